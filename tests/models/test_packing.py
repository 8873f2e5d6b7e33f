"""Rows end to end: the loss, and the gradients of all weights, of the same rows each by itself."""

import datasets
import numpy as np
import pytest
import torch

from stages.models import adapters, budgets, causal, kernels, packing, seq2seq
from stages.models.fitting import fit
from stages.params import Lora

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"seq2seq": seq2seq, "causal": causal}
TARGETS = {"seq2seq": ("q", "v"), "causal": ("q_proj", "v_proj")}
ROWS = [{"input_ids": [*range(10, 12 + i), 1], "labels": [*range(30, 31 + 2 * i), 1]} for i in range(8)]
SEQUENCES = [[ROWS[7], ROWS[0], ROWS[2]], [ROWS[1], ROWS[6]], [ROWS[5], ROWS[4], ROWS[3]]]


def learnt(model, loss, batch: dict) -> tuple[float, dict]:
    labels = batch.pop("labels")
    found = loss(model(**batch), labels)
    found.backward()
    return found.item(), {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("method", ["full", "lora", "in chunks"])
@pytest.mark.parametrize("family", KINDS)
def test_loss_and_gradients_are_those_of_the_rows_by_themselves(family, method, attention, blank, tokenizer_of):
    kind, tokenizer, told = KINDS[family], tokenizer_of[family], {}
    for packed in (False, True):
        model = blank(family).train()
        model.config.use_cache = False  # as Trainer sets it
        kernels.attend(model, attention)
        if method == "lora":
            lora = Lora(kind="lora", rank=2, alpha=4, epochs=1, lr=1e-3, batch=2, targets=TARGETS[family])
            torch.manual_seed(3)
            model = adapters.prepare(model, lora, kind.TASK_TYPE, "recipes.x")
        loss = kernels.chunked(model, kind.loss, 5, "float32") if method == "in chunks" else kind.loss
        batch = packing.collator(tokenizer, model)(SEQUENCES) if packed else kind.collator(tokenizer, model)(ROWS)
        assert batch["input_ids"].shape[0] == (3 if packed else 8)
        told[packed] = learnt(model, loss, batch)
    (alone, gradients), (together, others) = told.values()
    assert together == pytest.approx(alone, abs=2e-6)
    assert gradients.keys() == others.keys() and max(one.abs().max() for one in gradients.values()) > 1e-3
    assert max((gradients[name] - others[name]).abs().max() for name in gradients) < 2e-6


def test_sequences_hold_every_row_once_and_little_padding():
    """A budget so large that buckets leave much of it empty."""
    random = np.random.default_rng(3)
    shapes = np.clip(random.lognormal(3, 0.7, (2000, 2)), 2, 256).astype(int)
    found = budgets.sequences(shapes, 16_000, 1)
    assert sorted(np.concatenate(found)) == [*range(2000)] and len(found) < 400
    whole = np.stack([shapes[one].sum(0) for one in found])
    assert (whole <= 300).all()
    packed, alone = (budgets.padding(one, budgets.drawn(budgets.plan(one, 16_000), [1, 0])) for one in (whole, shapes))
    assert packed < 0.2 < 0.4 < alone


def test_a_row_longer_than_the_budget_has_a_sequence_to_itself():
    shapes = np.array([[4, 4], [700, 10], [5, 5], [900, 900], [4, 5]])
    found = [sorted(one.tolist()) for one in budgets.sequences(shapes, 600, 1)]
    assert [1] in found and [3] in found


@pytest.mark.parametrize("family", KINDS)
def test_a_packed_training_has_the_losses_of_its_rows(family, blank, tokenizer_of, tmp_path):
    """One update of all rows, whether they stand in sequences or by themselves."""
    data = datasets.Dataset.from_list([row | {"length": 1} for row in ROWS])
    kind, tokenizer, told = KINDS[family], tokenizer_of[family], []
    for packed in (False, True):
        model = blank(family)
        collate = packing.collator(tokenizer, model) if packed else kind.collator(tokenizer, model)
        done = fit(model, data, data, collate, kind.loss, tmp_path / "s", 1, epochs=3, lr=1e-3, batch=8, tokens=2000,
                   evaluations=3, packing=packed)  # fmt: skip
        told.append(done)
    alone, together = told
    assert together.steps == alone.steps == 3 and together.padding[0] < alone.padding[0]
    for loss in ("train_loss", "validation_loss"):
        assert [p[loss] for p in together.curve] == pytest.approx([p[loss] for p in alone.curve], abs=1e-5)
