"""Batches by tokens: within the budget, little padding, every row once an epoch, another order each time."""

from collections import Counter

import datasets
import numpy as np
import pytest
import torch

from stages.models import batching, budgets, causal, encoder, seq2seq
from stages.models.fitting import fit

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"seq2seq": seq2seq, "causal": causal, "encoder": encoder}
BUDGET = 600


def lengths(rows: int = 2000) -> np.ndarray:
    """(rows, 2) lengths as reviews have them, log-normal; input and target of their own."""
    random = np.random.default_rng(3)
    return np.clip(random.lognormal(3, 0.7, (rows, 2)), 2, 256).astype(int)


def data(rows: int, family: str = "seq2seq") -> datasets.Dataset:
    shapes = lengths(rows) // 8 + 2
    return datasets.Dataset.from_list([
        {
            "input_ids": [*range(10, 9 + wide), 1],
            "labels": i % 3 if family == "encoder" else [*range(20, 19 + long), 1],
            "length": int(wide + long),
        }
        for i, (wide, long) in enumerate(shapes.tolist())
    ])  # fmt: skip


def positions(shapes: np.ndarray, batch: np.ndarray) -> int:
    return len(batch) * shapes[batch].max(0).sum()


def test_no_batch_is_above_the_budget_and_every_row_is_in_one():
    shapes = lengths()
    plan = budgets.plan(shapes, BUDGET)
    for epoch in range(3):
        batches = budgets.drawn(plan, [1, epoch])
        assert sorted(np.concatenate(batches)) == [*range(len(shapes))]
        assert max(positions(shapes, batch) for batch in batches) <= BUDGET


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own():
    shapes = np.array([[4, 4], [700, 10], [5, 5], [900, 900], [4, 5]])
    batches = budgets.drawn(budgets.plan(shapes, BUDGET), [1, 0])
    assert sorted(map(sorted, batches)) == [[0, 2, 4], [1], [3]]


def test_little_is_padding():
    """Against as many rows a batch: in random order, and grouped by the sum of both lengths."""
    shapes = lengths()
    batches = budgets.drawn(budgets.plan(shapes, BUDGET), [1, 0])
    size = len(shapes) // len(batches)
    random, grouped = (np.array_split(order, len(shapes) // size) for order in
                       (np.random.default_rng(1).permutation(len(shapes)), np.argsort(shapes.sum(1))))  # fmt: skip
    ours, by_sum, at_random = (budgets.padding(shapes, one) for one in (batches, grouped, random))
    assert ours < 0.1 and by_sum > 2.5 * ours and at_random > 4 * ours


def test_padding_is_counted_in_both_lengths():
    assert budgets.padding(np.array([[4, 2], [2, 4]]), [np.array([0, 1])]) == pytest.approx(1 - 12 / 16)


def test_each_epoch_has_as_many_batches_in_another_order_with_other_rows():
    plan = budgets.plan(lengths(), BUDGET)
    one, two, again = (budgets.drawn(plan, [7, epoch]) for epoch in (0, 1, 0))
    assert all(map(np.array_equal, one, again)) and len(one) == len(two)
    assert len({tuple(sorted(batch)) for batch in one} & {tuple(sorted(batch)) for batch in two}) < len(one) / 2
    spread = [lengths()[batch, 0].mean() for batch in one]
    assert abs(np.corrcoef(spread, range(len(spread)))[0, 1]) < 0.3, "short rows first"


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_shares_of_a_batch_are_its_rows(processes):
    rows = data(40)
    alone, shared = (batching.Batches(rows, 200, number, 1, True) for number in (1, processes))
    assert len(shared) == processes * len(alone)
    for i in range(len(alone)):
        parts = [shared[i * processes + j] for j in range(processes)]
        assert sorted(map(str, (row for part in parts for row in part))) == sorted(map(str, alone[i]))


def test_the_lengths_of_each_family():
    both = datasets.Dataset.from_dict({"input_ids": [[1, 2, 3]], "labels": [[4, 5]]})
    assert budgets.shapes(both, True).tolist() == [[3, 2]]
    assert budgets.shapes(both, False).tolist() == [[6, 0]]  # prompt, separator, target
    labelled = datasets.Dataset.from_dict({"input_ids": [[1, 2, 3]], "labels": [2]})
    assert budgets.shapes(labelled, False).tolist() == [[3, 0]]
    plain = datasets.Dataset.from_dict({"input_ids": [[1, 2, 3]]})
    assert [budgets.shapes(plain, writes).tolist() for writes in (True, False)] == [[[3, 3]], [[3, 0]]]


def test_targets_are_counted_without_what_is_not_asked_for():
    assert budgets.targets(datasets.Dataset.from_dict({"labels": [[4, -100], [5, 6]]})) == 3
    assert budgets.targets(datasets.Dataset.from_dict({"labels": [0, 2, -100]})) == 2


def trained(model, tokenizer, kind, rows, validation, folder, seen=None, **more):
    collate = kind.collator(tokenizer, model)

    def collator(batch):
        seen.append(batch) if seen is not None else None
        return collate(batch)

    wanted = {"epochs": 2, "lr": 1e-3, "batch": 8, "tokens": 120, "evaluations": 2} | more
    return fit(model, rows, validation, collator, kind.loss, folder, 1, **wanted)


def test_a_repeated_row_is_seen_as_often_as_it_stands_there(blank, tokenizer_of, tmp_path):
    """`balance` repeats rows; what it gave them is what the model is shown."""
    rows = data(30)
    rows = datasets.concatenate_datasets([rows, rows.select([3, 3, 5])])
    seen = []
    done = trained(blank("seq2seq"), tokenizer_of["seq2seq"], seq2seq, rows, data(1), tmp_path / "s", seen, epochs=2)
    shown = Counter(str(row["labels"]) + str(row["input_ids"]) for batch in seen for row in batch)
    for row in data(1):  # the validation row, asked twice
        shown[str(row["labels"]) + str(row["input_ids"])] -= len(done.curve)
    standing = Counter(str(row["labels"]) + str(row["input_ids"]) for row in rows)
    assert shown == Counter({row: 2 * times for row, times in standing.items()})


def test_the_second_epoch_of_a_training_is_another_order(blank, tokenizer_of, tmp_path):
    rows, seen = data(60), []
    n = len(batching.Batches(rows, 120, 1, 1, True))
    trained(blank("seq2seq"), tokenizer_of["seq2seq"], seq2seq, rows, data(1), tmp_path / "s", seen, evaluations=1)
    first, second = ([str(batch) for batch in seen[epoch * n : (epoch + 1) * n]] for epoch in (0, 1))
    assert len(second) == n and first != second and len({*first} & {*second}) < n


def test_epochs_steps_and_padding_are_told(blank, tokenizer_of, tmp_path):
    rows = data(30)
    model = blank("seq2seq")
    per_epoch = len(batching.Batches(rows, 120, 1, 1, True))
    done = trained(model, tokenizer_of["seq2seq"], seq2seq, rows, data(9), tmp_path / "s", epochs=1.5)
    assert done.planned == done.steps == -(-3 * per_epoch // 2)
    assert [point["epoch"] for point in done.curve] == [point["step"] / per_epoch for point in done.curve]
    batches = batching.Batches(rows, 120, 1, 1, True)
    told = []
    for epoch in (0, 1):
        batches.set_epoch(epoch)
        told.append(round(budgets.padding(batches.shapes, batches.order), 4))
    assert done.padding == told and 0 < told[0] < 0.4
    assert done.tokens_per_second * done.seconds == pytest.approx(
        sum(rows["length"]) * done.steps / per_epoch, rel=0.01
    )


@pytest.mark.parametrize("family", KINDS)
def test_a_validation_loss_is_the_mean_over_all_targets(family, blank, classifier, tokenizer_of, tmp_path):
    """Whatever the batches: those of one row each, and one of all."""
    rows, model = data(12, family), classifier() if family == "encoder" else blank(family)
    kind, tokenizer = KINDS[family], tokenizer_of[family]
    with torch.no_grad():
        batch = kind.collator(tokenizer, model)([*rows.remove_columns("length")])
        labels = batch.pop("labels")
        whole = kind.loss(model(**batch), labels).item()
    for tokens in (1, 100, 10_000):
        copy = classifier() if family == "encoder" else blank(family)
        done = trained(copy, tokenizer, kind, rows, rows, tmp_path / "s", tokens=tokens, lr=1e-12, epochs=1)
        assert done.curve[0]["validation_loss"] == pytest.approx(whole, abs=2e-5)


@pytest.mark.parametrize("family", KINDS)
def test_gradients_of_an_update_are_those_of_all_its_rows(family, blank, classifier, tokenizer_of, tmp_path):
    """A whole epoch in one update, made of however many batches: the mean over all targets, not of means."""
    rows, told = data(12, family), {}
    for tokens in (10_000, 100, 1):
        model, found = classifier() if family == "encoder" else blank(family), {}
        for name, weight in model.named_parameters():
            weight.register_post_accumulate_grad_hook(lambda w, name=name: found.update({name: w.grad.clone()}))  # noqa: B023
        batches = len(batching.Batches(rows, tokens, 1, 1, model.config.is_encoder_decoder))
        done = trained(model, tokenizer_of[family], KINDS[family], rows, rows, tmp_path / "s", tokens=tokens, lr=1e-9,
                       epochs=1, evaluations=1, accumulate=batches)  # fmt: skip
        assert done.steps == 1
        told[batches] = found, done.curve[0]["train_loss"]
    (once, loss), *others = told.values()
    assert [*told] == [1, *sorted([*told][1:])] and len(told) == 3
    assert max(gradient.abs().max() for gradient in once.values()) > 1e-3
    for more, same in others:
        assert same == pytest.approx(loss, abs=2e-6)
        assert max((more[name] - once[name]).abs().max().item() for name in once) < 1e-6
