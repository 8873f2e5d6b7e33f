"""Training: gradients that know how many rows share an update, the best weights kept, the end when it is time."""

import os

import datasets
import pytest
import torch
from transformers import TrainerCallback

from stages.models import adapters, causal, encoder, seq2seq
from stages.models.batching import divisible
from stages.models.fitting import fit, overfitting
from stages.params import Lora

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"seq2seq": seq2seq, "causal": causal, "encoder": encoder}

# Rows of different lengths: a mean of means would differ from the mean over all.
ROWS = [
    {"input_ids": [*range(10, 12 + i), 1], "labels": [*range(30, 31 + 2 * i), 1], "length": 5 + 3 * i} for i in range(8)
]


def rows(family: str) -> datasets.Dataset:
    labelled = [row | {"labels": i % 3} for i, row in enumerate(ROWS)]
    return datasets.Dataset.from_list(labelled if family == "encoder" else ROWS)


def gradients(model, collator, loss, data, accumulate: int, folder) -> tuple[dict, float]:
    """The gradients that the one update of a training is made of, before they are clipped; and the loss it logs."""
    found = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            weight.register_post_accumulate_grad_hook(lambda w, name=name: found.update({name: w.grad.clone()}))
    done = fit(model, data, data, collator, loss, folder, 1, epochs=1, lr=1e-9, batch=8 // accumulate,
               accumulate=accumulate, evaluations=1)  # fmt: skip
    assert done.steps == 1
    return found, done.curve[0]["train_loss"]


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", KINDS)
def test_accumulation_changes_neither_gradients_nor_loss(family, method, blank, classifier, tokenizer_of, tmp_path):
    """Of rows here; of batches by tokens in test_batching.py."""
    kind, tokenizer = KINDS[family], tokenizer_of[family]
    told = {}
    for accumulate in (1, 4, 8):
        model = classifier() if family == "encoder" else blank(family)
        if method == "lora":
            targets = {"seq2seq": ("q", "v"), "causal": ("q_proj", "v_proj"), "encoder": ("query", "value")}[family]
            lora = Lora(kind="lora", rank=2, alpha=4, epochs=1, lr=1e-9, batch=8, targets=targets)
            torch.manual_seed(7)
            model = adapters.prepare(model, lora, kind.TASK_TYPE, "recipes.x").train()
        collator = kind.collator(tokenizer, model)
        told[accumulate] = gradients(model, collator, kind.loss, rows(family), accumulate, tmp_path / "scratch")
    (once, loss) = told[1]
    assert max(gradient.abs().max() for gradient in once.values()) > 1e-3
    for accumulate in (4, 8):
        more, same = told[accumulate]
        assert same == pytest.approx(loss, rel=1e-6)
        assert more.keys() == once.keys()
        assert max((more[name] - once[name]).abs().max().item() for name in once) < 1e-6


@pytest.mark.parametrize("family", ["seq2seq", "encoder"])
def test_rows_that_make_a_batch_divisible_have_no_loss(family, blank, classifier, tokenizer_of):
    kind, tokenizer = {"seq2seq": seq2seq, "encoder": encoder}[family], tokenizer_of[family]
    model = blank("seq2seq") if family == "seq2seq" else classifier()
    collator, data = kind.collator(tokenizer, model), [*rows(family).remove_columns("length")][:5]
    whole, dealt = collator(data), divisible(collator, 3)(data)
    assert len(dealt["labels"]) == 6 and torch.equal(dealt["labels"][:5], whole["labels"])
    assert (dealt["labels"][5] == -100).all() and torch.equal(dealt["input_ids"][:5], whole["input_ids"])
    assert divisible(collator, 1) is collator


class Seen(TrainerCallback):
    """The weights as they stood at each validation."""

    def __init__(self):
        self.weights = []

    def on_evaluate(self, args, state, control, model, **more):
        self.weights.append(model.shared.weight.detach().clone())


def scripted(losses: list[float]):
    """seq2seq's loss, save that validation after validation gives `losses`."""
    left = list(losses)

    def loss(outputs, labels, num_items_in_batch=None):
        real = seq2seq.loss(outputs, labels, num_items_in_batch)
        return real if outputs["logits"].requires_grad else real * 0 + left.pop(0)

    return loss


def run(blank, tokenizer_of, folder, losses: list[float], **more):
    model, seen = blank("seq2seq"), Seen()
    data = rows("seq2seq")
    collator = seq2seq.collator(tokenizer_of["seq2seq"], model)
    wanted = {"epochs": 8, "lr": 1e-3, "batch": 8, "evaluations": 8, "warmup": 0.0} | more
    done = fit(model, data, data, collator, scripted(losses), folder, 1, callbacks=(seen,), **wanted)
    return model, seen, done


def test_the_weights_of_the_lowest_validation_loss_are_kept(blank, tokenizer_of, tmp_path):
    model, seen, done = run(blank, tokenizer_of, tmp_path / "s", [5, 4, 3, 2, 9, 8, 7, 6], patience=9)
    assert [point["validation_loss"] for point in done.curve] == [5, 4, 3, 2, 9, 8, 7, 6]
    assert [point["step"] for point in done.curve] == list(range(1, 9))
    assert (done.best_step, done.steps, done.planned) == (4, 8, 8)
    assert torch.equal(model.shared.weight, seen.weights[3])
    assert not torch.equal(model.shared.weight, seen.weights[-1])


def test_training_stops_when_patience_is_out(blank, tokenizer_of, tmp_path):
    model, seen, done = run(blank, tokenizer_of, tmp_path / "s", [5, 2, 3, 4, 1, 1, 1, 1], patience=2)
    assert (done.best_step, done.steps, done.planned, len(done.curve)) == (2, 4, 8, 4)
    assert torch.equal(model.shared.weight, seen.weights[1])


def test_as_many_validations_as_asked_for(blank, tokenizer_of, tmp_path):
    _, seen, done = run(blank, tokenizer_of, tmp_path / "s", [4, 3, 2, 1], evaluations=4)
    assert [point["step"] for point in done.curve] == [2, 4, 6, 8] and len(seen.weights) == 4
    _, _, short = run(blank, tokenizer_of, tmp_path / "s", [4, 3, 2, 1], evaluations=40, epochs=2)
    assert [point["step"] for point in short.curve] == [1, 2]


def test_few_kernels_are_kept_unless_somebody_said_how_many(blank, tokenizer_of, tmp_path, monkeypatch):
    monkeypatch.delenv("LRU_CACHE_CAPACITY", raising=False)
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "7")
    run(blank, tokenizer_of, tmp_path, [5, 4, 3, 2, 1, 1, 1, 1])
    assert (os.environ["LRU_CACHE_CAPACITY"], os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) == ("64", "7")


def curve(*points: tuple[float, float]) -> list[dict]:
    return [{"step": 10 * (i + 1), "train_loss": t, "validation_loss": v} for i, (t, v) in enumerate(points)]


def test_overfitting_is_told_when_the_losses_part():
    assert overfitting(curve((3.0, 3.1), (2.0, 2.5), (1.0, 2.75))) == (
        "overfitting: from step 20 to 30 validation loss rose 2.500 → 2.750 while training loss fell 2.000 → 1.000; "
        "the weights of step 20 are kept"
    )


@pytest.mark.parametrize(
    "points",
    [
        [(3.0, 3.1), (2.0, 2.5), (1.0, 2.4)],  # both fall
        [(3.0, 3.1), (2.0, 2.5), (2.2, 2.75)],  # both rise: diverging, not overfitting
        [(3.0, 3.1), (2.0, 2.5), (1.5, 2.9), (1.0, 2.4)],  # a rise that was made good
        [(3.0, 3.1)],
    ],
)
def test_other_curves_are_not_called_overfitting(points):
    assert overfitting(curve(*points)) is None
