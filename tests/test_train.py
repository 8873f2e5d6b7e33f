"""A trained model: what is written, that it is the same bytes each time, that its report tells of it."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from small_mill import RECIPES, recipe, train_words

from stages import train
from stages.models.fitting import Fit
from stages.refusal import Refusal

TOKENIZER = {"tokenizer.json", "tokenizer_config.json"}
FILES = {
    "t5-full": {"config.json", "generation_config.json", "model.safetensors"},
    "t5-text": {"config.json", "generation_config.json", "model.safetensors"},
    "t5-lora": {"adapter_config.json", "adapter_model.safetensors", "merged"},
    "bert-full": {"config.json", "model.safetensors"},
    "bert-lora": {"adapter_config.json", "adapter_model.safetensors"},
    "bert-pair": {"config.json", "model.safetensors"},
}


@pytest.mark.parametrize("name", RECIPES)
def test_the_folder_holds_weights_settings_and_tokenizer_only(mill, name):
    folder = mill / "data/models" / name
    assert {path.name for path in folder.iterdir()} == FILES[name] | TOKENIZER
    texts = "".join(path.read_text("utf-8") for path in folder.rglob("*.json"))
    assert str(mill) not in texts and "data/" not in texts
    assert not list(folder.parent.glob(".*"))


@pytest.mark.parametrize("name", ["t5-full", "bert-lora"])
def test_two_trainings_are_the_same_bytes(mill, in_mill, write_settings, name):
    write_settings()
    train.main(*train_words(name, RECIPES[name]["model"]["base"], to="-again"))
    first, again = mill / "data/models" / name, in_mill / "data/models" / f"{name}-again"
    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (first, again)
    ]
    assert digests[0] == digests[1]
    for kind in ("train", "curves"):
        told = [(root / f"data/reports/{kind}/{out}.json").read_bytes()
                for root, out in ((mill, name), (in_mill, f"{name}-again"))]  # fmt: skip
        assert told[0] == told[1]


def test_another_seed_trains_another_model(mill, in_mill, write_settings):
    write_settings(seed=1)
    train.main(*train_words("bert-lora", "bases/bert", to="-other"))
    weights = [folder / "adapter_model.safetensors" for folder in
               (mill / "data/models/bert-lora", in_mill / "data/models/bert-lora-other")]  # fmt: skip
    assert weights[0].read_bytes() != weights[1].read_bytes()


@pytest.mark.parametrize("name", RECIPES)
def test_the_report_tells_of_the_training(mill, name):
    told = {kind: json.loads((mill / f"data/reports/{kind}/{name}.json").read_text())
            for kind in ("train", "curves", "seconds")}  # fmt: skip
    report, curve = told["train"], told["curves"]
    losses = [point["validation_loss"] for point in curve]
    assert set(report) == {
        "trainable_parameters", "parameters", "size_bytes", "device", "dtype", "steps", "stopped_early", "best_step",
        "validation_loss", "train_loss", "overfitting", "numerics",
    }  # fmt: skip
    assert report["numerics"]["profile"] == "native"
    assert report["numerics"]["capability"] == torch.backends.cpu.get_cpu_capability()
    assert set(curve[0]) == {"step", "epoch", "train_loss", "validation_loss"}
    assert report["validation_loss"] == {"first": losses[0], "best": min(losses), "last": losses[-1]}
    assert report["best_step"] == curve[losses.index(min(losses))]["step"]
    steps = 8 if name == "bert-pair" else 10  # which gets no better from its second step on, and has patience for three
    assert (report["steps"], [point["step"] for point in curve]) == (steps, [*range(2, steps + 1, 2)])
    learning = {"t5-lora": 3 * 2 * 4 * 64, "bert-lora": 2 * 4 * 64 + 32 * 3 + 3}.get(name, report["parameters"])
    assert report["trainable_parameters"] == learning
    assert report["stopped_early"] is (steps < 10)
    files = [path for path in (mill / "data/models" / name).iterdir() if path.is_file()]  # merged/ is there twice
    assert report["size_bytes"] == sum(path.stat().st_size for path in files)
    assert set(told["seconds"]) == {"train_seconds", "tokens_per_second", "device", "peak_mib", "peak_gpu_mib"}
    assert told["seconds"]["tokens_per_second"] > 0 and 100 < told["seconds"]["peak_mib"] < 10_000


def test_a_training_that_overfits_says_so_in_its_report():
    curve = [{"step": s, "train_loss": t, "validation_loss": v} for s, t, v in [(1, 3.0, 2.0), (2, 1.0, 2.5)]]
    told = train.summary(Fit(curve, steps=2, best_step=1, seconds=1.0, tokens_per_second=1.0, planned=4))
    assert told["overfitting"].startswith("overfitting: from step 1 to 2")
    assert told["stopped_early"] is True
    whole = train.summary(Fit(curve[:1], 1, 1, 1.0, 1.0, 1))
    assert (whole["overfitting"], whole["stopped_early"]) == (None, False)


def test_padding_is_told_where_batches_are_made_by_tokens(in_mill, write_settings):
    write_settings(recipes={"t5-lora": recipe("t5-lora", method={"tokens": 2000})})
    train.main(*train_words("t5-lora", "bases/t5", to="-tokens"))
    report = json.loads(Path("data/reports/train/t5-lora-tokens.json").read_text())
    assert len(report["padding"]) == 2 and all(0 < share < 0.3 for share in report["padding"])


def test_a_recipe_may_have_a_seed_of_its_own(mill, in_mill, write_settings):
    """Its training alone differs: other rows or another base would not be the same recipe again."""
    digests = []
    for seed in (20261121, 7):  # the first is the global one
        write_settings(recipes={"bert-lora": recipe("bert-lora", method={"seed": seed})})
        train.main(*train_words("bert-lora", "bases/bert", to=f"-{seed}"))
        weights = in_mill / f"data/models/bert-lora-{seed}/adapter_model.safetensors"
        digests.append(weights.read_bytes() == (mill / "data/models/bert-lora/adapter_model.safetensors").read_bytes())
    assert digests == [True, False]


def test_targets_the_base_has_not_are_refused_with_nothing_written(in_mill, write_settings):
    write_settings(recipes={"bert-full": recipe("bert-lora", method={"targets": ["q"]})})
    words = train_words("bert-full", "bases/bert", to="-new")
    with pytest.raises(Refusal) as refused:
        train.main(*words)
    assert refused.value.where == "params.yaml: recipes.bert-full.method.targets"
    assert not Path("data/models/bert-full-new").exists() and not Path("data/reports/train").exists()


def test_dvclive_holds_the_losses(mill):
    live = mill / "data/live/t5-full"
    lines = (live / "plots/metrics/eval/loss.tsv").read_text().splitlines()
    curve = json.loads((mill / "data/reports/curves/t5-full.json").read_text())
    assert [float(line.split("\t")[1]) for line in lines[1:]] == pytest.approx(
        [point["validation_loss"] for point in curve], abs=1e-5
    )
