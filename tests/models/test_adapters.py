"""LoRA: how many weights learn, what is saved of them, and that what is saved is the model that was trained."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from stages.models import adapters, encoder, family, seq2seq
from stages.params import Full, Lora, Peft, Predict
from stages.refusal import Refusal

ROOT = Path(__file__).parents[2]
LABELS = ("negative", "neutral", "positive")


def lora(rank: int, targets: tuple[str, ...], **more) -> Lora:
    return Lora(kind="lora", epochs=1, lr=1e-3, batch=8, rank=rank, alpha=8, targets=targets, **more)


def shaken(model):
    """Move every weight that learns, for a LoRA begins as no change at all."""
    torch.manual_seed(8)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.1)
    return model.eval()


@pytest.mark.parametrize(
    ("rank", "targets", "learning"),
    [
        # two encoder layers with one attention each, two decoder layers with two: six of each of q, k, v, 32 × 32
        (4, ("q", "v"), 6 * 2 * 4 * (32 + 32)),
        (16, ("q", "k", "v"), 6 * 3 * 16 * (32 + 32)),
        (2, ("wi_0",), 4 * 2 * (32 + 64)),
    ],
)
def test_as_many_weights_learn_as_computed_by_hand(blank, rank, targets, learning):
    model = blank("seq2seq")
    size = sum(p.numel() for p in model.parameters())
    model = adapters.prepare(model, lora(rank, targets), seq2seq.TASK_TYPE, "recipes.a")
    assert adapters.count(model) == (learning, size + learning)


def test_an_encoders_head_learns_beside_its_adapter(classifier):
    model = adapters.prepare(classifier(), lora(4, ("query", "value")), encoder.TASK_TYPE, "recipes.a")
    assert adapters.count(model)[0] == 2 * 2 * 4 * (32 + 32) + (32 * 3 + 3)


def test_in_full_everything_learns_and_the_model_is_itself(blank):
    model = blank("seq2seq")
    assert adapters.prepare(model, Full(kind="full", epochs=1, lr=1, batch=1), "", "") is model
    learning, size = adapters.count(model)
    assert learning == size == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(("targets", "absent"), [(("query", "v", "kye"), "query, kye"), (("shared",), "shared")])
def test_targets_that_cannot_be_adapted_are_refused_with_those_that_can(blank, targets, absent):
    with pytest.raises(Refusal) as refused:
        adapters.prepare(blank("seq2seq"), lora(4, targets), seq2seq.TASK_TYPE, "recipes.a")
    assert refused.value.found == absent
    assert refused.value.expected == "linear modules of T5ForConditionalGeneration: k, lm_head, o, q, v, wi_0, wi_1, wo"
    assert refused.value.where == "params.yaml: recipes.a.method.targets"


@torch.no_grad()
@pytest.mark.parametrize("merge", [False, True])
def test_a_saved_adapter_on_its_base_is_the_trained_model(blank, tmp_path, merge):
    base, folder = tmp_path / "base", tmp_path / "adapter"
    blank("seq2seq").save_pretrained(base)
    untuned, method = seq2seq.load(base).eval(), lora(4, ("q", "v"), merge=merge)
    trained = shaken(adapters.prepare(seq2seq.load(base), method, seq2seq.TASK_TYPE, "recipes.a"))
    asked = {"input_ids": torch.tensor([[5, 9, 30, 1]]), "decoder_input_ids": torch.tensor([[0, 7, 8]])}
    expected = trained(**asked).logits
    adapters.save(trained, method, "bases/t5", folder)
    assert not torch.allclose(expected, untuned(**asked).logits, atol=1e-3)
    assert torch.allclose(expected, adapters.load(folder, base, seq2seq.load).eval()(**asked).logits, atol=1e-5)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    merged = {"merged/config.json", "merged/generation_config.json", "merged/model.safetensors"}
    assert files == {"adapter_config.json", "adapter_model.safetensors"} | (merged if merge else set())
    if merge:
        assert torch.allclose(expected, seq2seq.load(folder / "merged").eval()(**asked).logits, atol=1e-5)
        assert not any("lora" in name for name, _ in seq2seq.load(folder / "merged").named_parameters())


@pytest.mark.parametrize(
    "variant",
    [{"dora": True}, {"rslora": True}, {"init": "gaussian"}, {"init": "pissa"}, {"init": "olora"},
     {"init": "pissa", "rslora": True}],
)  # fmt: skip
def test_every_variant_of_lora_trains_and_what_is_saved_is_what_was_trained(blank, tmp_path, variant):
    base, folder = tmp_path / "base", tmp_path / "adapter"
    blank("seq2seq").save_pretrained(base)
    method = lora(4, ("q", "v"), **variant)
    asked = {"input_ids": torch.tensor([[5, 9, 30, 1]]), "labels": torch.tensor([[7, 8, 1]])}
    model = adapters.prepare(seq2seq.load(base), method, seq2seq.TASK_TYPE, "recipes.a")
    with torch.no_grad():  # whatever its first weights, a new adapter changes nothing
        assert torch.allclose(seq2seq.load(base)(**asked).logits, model(**asked).logits, atol=1e-4)
    step = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=0.02)
    losses = []
    for _ in range(12):
        loss = model(**asked).loss
        losses.append(loss.item())
        step.zero_grad()
        loss.backward()
        step.step()
    assert losses[-1] < losses[0] - 0.02
    model.eval()
    with torch.no_grad():
        expected = model(**asked).logits
        adapters.save(model, method, "bases/t5", folder)
        assert torch.allclose(expected, adapters.load(folder, base, seq2seq.load).eval()(**asked).logits, atol=1e-4)
    assert not torch.allclose(expected, seq2seq.load(base)(**asked).logits, atol=1e-3)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["r"] == (8 if variant.get("init") in adapters.MOVING else 4)
    assert config["use_dora"] == variant.get("dora", False)


def further(kind: str, **config) -> Peft:
    return Peft(kind="peft", epochs=1, lr=1e-3, batch=8, type=kind, config=config)


@pytest.mark.parametrize(
    "method",
    [
        further("IA3", target_modules=["v", "k", "wo"], feedforward_modules=["wo"]),
        further("LOHA", r=4, alpha=8, target_modules=["q", "v"]),
        further("OFT", r=0, oft_block_size=8, target_modules=["q", "v"]),
        further("LN_TUNING", target_modules=["layer_norm"]),
    ],
    ids=lambda method: method.type,
)
def test_a_further_method_of_peft_needs_no_code_of_ours(blank, tmp_path, method):
    base, folder = tmp_path / "base", tmp_path / "adapter"
    blank("seq2seq").save_pretrained(base)
    model = adapters.prepare(seq2seq.load(base), method, seq2seq.TASK_TYPE, "recipes.a")
    learning, size = adapters.count(model)
    assert 0 < learning < size / 4
    model = shaken(model)
    asked = {"input_ids": torch.tensor([[5, 9, 30, 1]]), "decoder_input_ids": torch.tensor([[0, 7, 8]])}
    with torch.no_grad():
        expected = model(**asked).logits
        adapters.save(model, method, "bases/t5", folder)
        assert not torch.allclose(expected, seq2seq.load(base).eval()(**asked).logits, atol=1e-3)
        assert torch.allclose(expected, adapters.load(folder, base, seq2seq.load).eval()(**asked).logits, atol=1e-4)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["peft_type"], config["base_model_name_or_path"]) == (method.type, "bases/t5")
    assert config["target_modules"] == sorted(method.config["target_modules"])


@pytest.mark.parametrize(
    ("method", "where", "found"),
    [
        (further("PROMPT_TUNING", num_virtual_tokens=4), "type", "PROMPT_TUNING"),
        (further("IA4"), "type", "IA4"),
        (further("LOHA", rank=4, target_modules=["q"]), "config", "rank"),
        (further("LOHA", target_modules=["qq"]), "config", "qq"),
        (further("MISS", r=64, target_modules=["q"]), "config", "must be less than or equal"),
        (further("LILY", target_modules=["q"]), "config", "not supported for Lily"),
    ],
)
def test_a_method_that_peft_cannot_build_or_merge_is_refused_before_the_training(blank, method, where, found):
    with pytest.raises(Refusal) as refused:
        adapters.prepare(blank("seq2seq"), method, seq2seq.TASK_TYPE, "recipes.a")
    assert found in refused.value.found
    assert refused.value.where == f"params.yaml: recipes.a.method.{where}"


def test_dora_on_weights_that_were_moved_is_refused():
    with pytest.raises(ValueError, match="drop one of them"):
        lora(4, ("q",), dora=True, init="pissa")


@torch.no_grad()
def test_a_classifiers_adapter_brings_its_own_head(classifier, tmp_path):
    method = lora(4, ("query", "value"))
    trained = shaken(adapters.prepare(classifier(), method, encoder.TASK_TYPE, "recipes.a"))
    adapters.save(trained, method, "bases/bert", tmp_path / "adapter")
    ids = torch.tensor([[69, 9, 30, 1]])
    torch.manual_seed(99)  # the head of the opened base is drawn, and must not matter
    opened = adapters.load(tmp_path / "adapter", tmp_path / "bert", lambda path: encoder.load(path, LABELS)).eval()
    assert torch.allclose(trained(ids).logits, opened(ids).logits, atol=1e-5)


@torch.no_grad()
def test_a_model_saved_whole_is_opened_without_its_base(blank, tmp_path):
    model, method = blank("seq2seq").eval(), Full(kind="full", epochs=1, lr=1, batch=1)
    model.config.use_cache = False  # as Trainer leaves it
    adapters.save(model, method, "bases/t5", tmp_path / "m")
    opened = adapters.load(tmp_path / "m", tmp_path / "nowhere", seq2seq.load).eval()
    asked = {"input_ids": torch.tensor([[5, 9, 1]]), "decoder_input_ids": torch.tensor([[0, 7]])}
    assert torch.allclose(model(**asked).logits, opened(**asked).logits, atol=1e-6)
    assert opened.config.use_cache is True
    assert {path.suffix for path in (tmp_path / "m").iterdir()} == {".json", ".safetensors"}


def write(base: Path, folder: Path) -> None:
    """Save a small adapter with many targets; also called by the other process."""
    torch.manual_seed(1)
    config = T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(base)
    method = lora(2, ("wo", "q", "v", "k", "o", "wi"))
    adapters.save(adapters.prepare(seq2seq.load(base), method, "SEQ_2_SEQ_LM", ""), method, "bases/t5", folder)


def test_another_process_writes_the_same_adapter(tmp_path):
    """PEFT keeps the targets in a set, whose order follows PYTHONHASHSEED, which is drawn for this process."""
    write(tmp_path / "base", tmp_path / "here")
    line = "import sys, test_adapters; test_adapters.write(*map(test_adapters.Path, sys.argv[1:]))"
    words = [sys.executable, "-c", line, str(tmp_path / "other"), str(tmp_path / "there")]
    path = f"{ROOT}{os.pathsep}{Path(__file__).parent}"
    env = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    subprocess.run(words, env=env, check=True, capture_output=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
    config = json.loads((tmp_path / "here/adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "bases/t5"
    assert config["target_modules"] == ["k", "o", "q", "v", "wi", "wo"]
    assert str(tmp_path) not in json.dumps(config)


@pytest.fixture
def three(blank, tmp_path):
    """kind → three LoRA adapters on one base, of different ranks, and where the base lies."""

    def make(kind: str) -> tuple[dict[str, Path], Path]:
        targets = ("q", "v") if kind == "seq2seq" else ("q_proj", "v_proj")
        blank(kind).save_pretrained(tmp_path / "base")
        folders = {}
        for at, name in enumerate(("calm", "angry", "merry"), start=1):
            method = Lora(kind="lora", rank=2 * at, alpha=8, targets=targets, epochs=1, lr=1e-3, batch=2)
            model = adapters.prepare(blank(kind), method, family(kind).TASK_TYPE, "recipes.a")
            torch.manual_seed(at)
            for weight_name, weight in model.named_parameters():
                if "lora_" in weight_name:
                    torch.nn.init.normal_(weight, std=0.5)
            adapters.save(model, method, "bases/x", tmp_path / name)
            folders[name] = tmp_path / name
        return folders, tmp_path / "base"

    return make


@pytest.mark.parametrize("kind", ["seq2seq", "causal"])
@pytest.mark.parametrize("settings", [{"batch": 5}, {"batch": 64, "sample": True, "top_k": 20}])
def test_a_batch_may_mix_the_adapters_of_several_recipes(three, tokenizer_of, kind, settings):
    folders, base = three(kind)
    tokenizer, how, answer = tokenizer_of[kind], Predict(**settings), family(kind).answer
    prompts = [[5 + at, 9, *range(20, 20 + at % 7), 1] for at in range(16)]
    names = [*folders, adapters.BASE] * 4
    torch.manual_seed(3)
    mixed = adapters.beside(folders, family(kind).load(base))
    told, _ = answer(mixed, tokenizer, prompts, 8, how, (), variants=names)
    for name in names[:4]:
        own = [at for at, one in enumerate(names) if one == name]
        alone = adapters.load(folders.get(name, base), base, family(kind).load)
        assert answer(alone, tokenizer, [prompts[at] for at in own], 8, how, ())[0] == [told[at] for at in own]
    assert len({tuple(told[at::4]) for at in range(4)}) == 4
    changed, _ = answer(mixed, tokenizer, prompts, 8, how, (), variants=names[1:] + names[:1])
    assert changed != told


def test_an_adapter_that_cannot_be_mixed_is_refused(three):
    folders, base = three("seq2seq")
    config = folders["angry"] / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_dora": True}))
    with pytest.raises(Refusal) as refused:
        adapters.beside(folders, seq2seq.load(base))
    assert refused.value.found == "use_dora" and refused.value.where.endswith("angry")
