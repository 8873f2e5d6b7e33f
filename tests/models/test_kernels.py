"""Switches of a training's arithmetic: each does what it says, and the losses and gradients stay within rounding."""

import datasets
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import TrainerCallback
from transformers.activations import NewGELUActivation

from stages.models import adapters, causal, encoder, kernels, seq2seq
from stages.models.fitting import fit
from stages.params import Lora
from stages.refusal import Refusal

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"seq2seq": seq2seq, "causal": causal, "encoder": encoder}
ROWS = [{"input_ids": [*range(10, 12 + i), 1], "labels": [*range(30, 31 + 2 * i), 1]} for i in range(8)]


def learnt(model, family: str, tokenizer_of: dict, rows: int | None = None) -> tuple[float, dict]:
    """The loss of ROWS, the vocabulary met by so many `rows` at a time, and the gradients of all weights that learn."""
    kind = KINDS[family]
    loss = kernels.chunked(model, kind.loss, rows, "float32") if rows else kind.loss
    labelled = [row | {"labels": i % 3} if family == "encoder" else dict(row) for i, row in enumerate(ROWS)]
    batch = kind.collator(tokenizer_of[family], model)(labelled)
    labels = batch.pop("labels")
    found = loss(model(**batch), labels)
    found.backward()
    return found.item(), {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


def assert_near(one: tuple, other: tuple, within: float) -> None:
    assert one[0] == pytest.approx(other[0], abs=within)
    assert one[1].keys() == other[1].keys() and max(grad.abs().max() for grad in one[1].values()) > 1e-3
    assert max((one[1][name] - other[1][name]).abs().max() for name in one[1]) < within


class Largest(TorchDispatchMode):
    """The most numbers that any one result held."""

    found = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, torch.Tensor) and "view" not in str(function) and "t.default" not in str(function):
                self.found = max(self.found, one.numel())
        return result


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("family", ["seq2seq", "causal"])
def test_a_vocabulary_in_chunks_gives_the_same_loss_and_gradients(family, rows, blank, tokenizer_of):
    whole = learnt(blank(family), family, tokenizer_of)
    assert_near(learnt(blank(family), family, tokenizer_of, rows), whole, 1e-6)


def test_a_scaled_untied_head_and_an_adapter_on_it_are_met_too(blank, tokenizer_of):
    def model():
        one = blank("seq2seq")
        one.config.scale_decoder_outputs = True
        one.lm_head.weight = torch.nn.Parameter(one.lm_head.weight.detach().clone())
        one.config.tie_word_embeddings = False
        lora = Lora(kind="lora", rank=2, alpha=4, epochs=1, lr=1e-3, batch=2, init="gaussian", targets=("q", "lm_head"))
        torch.manual_seed(3)
        adapted = adapters.prepare(one, lora, "SEQ_2_SEQ_LM", "recipes.x")
        with torch.no_grad():
            for name, weight in adapted.named_parameters():
                weight.add_(0.1 if "lora_B" in name else 0.0)
        return adapted

    whole = learnt(model(), "seq2seq", tokenizer_of)
    assert any("lm_head" in name for name in whole[1])
    assert_near(learnt(model(), "seq2seq", tokenizer_of, rows=5), whole, 1e-6)


@pytest.mark.parametrize("family", ["seq2seq", "causal"])
def test_tokens_times_vocabulary_never_stand_whole(family, blank, tokenizer_of):
    """A larger vocabulary, so that nothing else comes near it."""
    largest = {}
    for rows in (None, 4):
        model = blank(family)
        model.resize_token_embeddings(5000)
        weights = max(weight.numel() for weight in model.parameters())
        with Largest() as seen:
            learnt(model, family, tokenizer_of, rows)
        largest[rows] = seen.found
    known = sum(len(row["labels"]) for row in ROWS)
    assert largest[None] >= known * 5000 > weights and largest[4] <= weights


def test_an_encoder_keeps_its_own_loss(classifier):
    assert kernels.chunked(classifier(), encoder.loss, 4, "float32") is encoder.loss


def test_scores_changed_behind_the_head_are_refused(blank):
    model = blank("causal")
    model.config.final_logit_softcapping = 30.0
    with pytest.raises(Refusal) as refused:
        kernels.chunked(model, causal.loss, 4, "float32")
    assert refused.value.where == "params.yaml: numerics.loss_rows"


@pytest.mark.parametrize(("family", "kind"), [("seq2seq", "sdpa"), ("causal", "eager"), ("encoder", "eager")])
def test_kinds_of_attention_agree(family, kind, blank, classifier, tokenizer_of):
    own, other = (classifier() if family == "encoder" else blank(family) for _ in range(2))
    assert own.config._attn_implementation != kind
    kernels.attend(other, kind)
    assert other.config._attn_implementation == kind
    assert_near(learnt(other, family, tokenizer_of), learnt(own, family, tokenizer_of), 2e-6)


def test_a_gelu_in_one_kernel_is_the_same_function(blank, tokenizer_of):
    own, other = blank("seq2seq"), blank("seq2seq")
    count = sum(isinstance(part, NewGELUActivation) for part in own.modules())
    kernels.fuse(other)
    made = [part for part in other.modules() if isinstance(part, torch.nn.GELU)]
    assert len(made) == count == 4 and not any(isinstance(part, NewGELUActivation) for part in other.modules())
    assert_near(learnt(other, "seq2seq", tokenizer_of), learnt(own, "seq2seq", tokenizer_of), 1e-6)


def test_a_kernel_that_is_not_there_is_refused(blank):
    with pytest.raises(Refusal) as refused:
        kernels.attend(blank("seq2seq"), "flash_attention_2")
    assert refused.value.where == "params.yaml: numerics.attention"


class Watch(TrainerCallback):
    """What the training is run with."""

    def on_train_begin(self, args, state, control, model, optimizer, **more):
        self.args, self.model, self.optimizer = args, model, optimizer


def trained(blank, tokenizer_of, folder, family="seq2seq", **more):
    model, watch = blank(family), Watch()
    data = datasets.Dataset.from_list([row | {"length": len(row["input_ids"])} for row in ROWS])
    types = set()
    model.get_output_embeddings().register_forward_hook(lambda module, args, output: types.add(output.dtype))
    done = fit(model, data, data, KINDS[family].collator(tokenizer_of[family], model), KINDS[family].loss, folder, 1,
               epochs=2, lr=1e-3, batch=4, evaluations=2, callbacks=(watch,), **more)  # fmt: skip
    return done, watch, types, model


SWITCHES = {
    "bfloat16": ({"dtype": "bfloat16"}, 5e-2),
    "bfloat16, vocabulary in chunks": ({"dtype": "bfloat16", "loss_rows": 8}, 5e-2),
    "vocabulary in chunks": ({"loss_rows": 8}, 2e-5),
    "not fused": ({"fused": False}, 2e-5),
    "checkpointing": ({"checkpointing": True}, 2e-5),
    "attention": ({"attention": "sdpa"}, 2e-5),
}


@pytest.mark.parametrize(("more", "within"), SWITCHES.values(), ids=SWITCHES)
def test_a_switch_is_on_and_the_training_the_same_within_rounding(blank, tokenizer_of, tmp_path, more, within):
    plain, *_ = trained(blank, tokenizer_of, tmp_path / "plain")
    done, watch, types, model = trained(blank, tokenizer_of, tmp_path / "other", **more)
    for loss in ("train_loss", "validation_loss"):
        assert [p[loss] for p in done.curve] == pytest.approx([p[loss] for p in plain.curve], abs=within)
    if more.get("dtype") and not more.get("loss_rows"):
        assert types == {torch.bfloat16}
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert watch.optimizer.param_groups[0]["fused"] is (None if "fused" in more else True)
    assert model.encoder.gradient_checkpointing is more.get("checkpointing", False)
    assert model.config._attn_implementation == more.get("attention", "eager")


def test_an_adapter_learns_the_same_with_activations_computed_again(blank, tokenizer_of, tmp_path):
    told = []
    data = datasets.Dataset.from_list([row | {"length": len(row["input_ids"])} for row in ROWS])
    for again in (False, True):
        lora = Lora(kind="lora", rank=2, alpha=4, epochs=1, lr=1e-3, batch=2, targets=("q", "v"))
        base = blank("seq2seq")
        torch.manual_seed(3)
        model = adapters.prepare(base, lora, "SEQ_2_SEQ_LM", "recipes.x")
        done = fit(model, data, data, seq2seq.collator(tokenizer_of["seq2seq"], model), seq2seq.loss, tmp_path / "s", 1,
                   epochs=2, lr=1e-2, batch=4, evaluations=2, checkpointing=again)  # fmt: skip
        assert base.encoder.gradient_checkpointing is again
        told.append([point["validation_loss"] for point in done.curve])
    assert told[0] == pytest.approx(told[1], abs=2e-5) and told[0][0] != told[0][1]


def test_products_in_chunks_are_bfloat16_too(blank, tokenizer_of):
    """Trainer's autocast ends with the model; the head is applied behind it."""
    model, types = blank("seq2seq"), set()
    scores = model.lm_head.forward

    def told(states):
        types.add(scores(states).dtype)
        return scores(states)

    model.lm_head.forward = told
    loss = kernels.chunked(model, seq2seq.loss, 4, "bfloat16")
    batch = seq2seq.collator(tokenizer_of["seq2seq"], model)([dict(row) for row in ROWS])
    labels = batch.pop("labels")
    loss(model(**batch), labels).backward()
    assert types == {torch.bfloat16}


@pytest.mark.soak
def test_compiled_it_learns_the_same(blank, tokenizer_of, tmp_path, monkeypatch):
    for name in ("BACKEND", "MODE"):
        monkeypatch.setenv(f"ACCELERATE_DYNAMO_{name}", "")  # what Trainer sets there does not outlive the test
        monkeypatch.delenv(f"ACCELERATE_DYNAMO_{name}")
    plain, *_ = trained(blank, tokenizer_of, tmp_path / "plain")
    torch._dynamo.utils.counters.clear()
    done, *_ = trained(blank, tokenizer_of, tmp_path / "other", compile=True)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    for loss in ("train_loss", "validation_loss"):
        assert [p[loss] for p in done.curve] == pytest.approx([p[loss] for p in plain.curve], abs=2e-5)
