"""Batches for Trainer: so many rows of about one length, or as many as a budget of tokens holds.

Rows       Trainer draws `batch` rows of about one length; each batch is padded to its longest.
Tokens     each item of the dataset is a whole batch whose padded inputs and targets together hold at most `tokens`
           positions; Trainer takes one item a step. Rows stand by two lengths, that of the input and that of the
           target, so that little of either is padding (Ott et al. 2019, arXiv:1904.01038: --max-tokens).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import datasets
import numpy as np
import pyarrow.compute as pc
import torch
from torch.utils.data import Dataset

COLUMNS = ["input_ids", "labels"]
FINE = 5  # leading bits of an input's length that count for its place: lengths 128 to 255 in steps of 8
OPEN = 32  # sequences that a further row may still go to
GRAINS = (1, 2, 3, 4, 5)  # of a target's; the one is taken that pads least


@dataclass(frozen=True)
class Feed:
    """What Trainer is told about batches: `train` and `validation` dealt out `batch` and `asked` items at a time."""

    train: datasets.Dataset | Dataset
    validation: datasets.Dataset | Dataset
    collator: Callable
    loss: Callable
    batch: int
    asked: int
    strategy: str


def by_rows(
    train: datasets.Dataset, validation: datasets.Dataset, collator: Callable, loss: Callable, batch: int,
    processes: int,
) -> Feed:  # fmt: skip
    """Batches of `batch` rows, grouped by length in an order that Trainer draws."""
    train = train.select_columns([c for c in [*COLUMNS, "length"] if c in train.column_names])
    validation = validation.select_columns([c for c in COLUMNS if c in validation.column_names])
    return Feed(
        train, _for_each(processes, validation), divisible(collator, processes), loss, batch, 2 * batch,
        "group_by_length",
    )  # fmt: skip


def by_tokens(
    train: datasets.Dataset, validation: datasets.Dataset, collator: Callable, loss: Callable, tokens: int,
    processes: int, seed: int, writes: bool, packing: bool = False,
) -> Feed:  # fmt: skip
    """Batches of at most `tokens` positions, in another order each epoch; validation in such batches as well.

    writes: see `shapes`. A validation loss is the mean over all targets: each batch's sum is divided by the targets of
    a mean batch, since Trainer takes the mean of the batches; times the processes, by which it multiplies.
    packing: `collator` takes lists of rows that stand end to end.
    """
    asked = Batches(validation, tokens, processes, None, writes, packing)
    each = processes * targets(validation) / (len(asked) / processes)

    def of_all(outputs: dict, labels, num_items_in_batch=None):
        return loss(outputs, labels, num_items_in_batch if torch.is_grad_enabled() else each)

    def join(items: list[list]) -> dict:
        return divisible(collator, processes)([row for item in items for row in item])

    return Feed(
        Batches(train, tokens, processes, seed, writes, packing), asked, join, of_all, processes, processes,
        "sequential",
    )  # fmt: skip


class Batches(Dataset):
    """Rows as a dataset whose items are lists of rows: `processes` items in a row make a batch.

    seed: of the order, which `set_epoch` draws anew (accelerate calls it at each epoch); each item is then a share of
    its batch. None is for validation, whose order stays and of which every process is given the whole batch.
    packing: in place of each row stands a list of them, a sequence (`sequences`).
    """

    def __init__(
        self, rows: datasets.Dataset, tokens: int, processes: int, seed: int | None, writes: bool, packing: bool = False
    ):
        self.rows = rows.select_columns([c for c in COLUMNS if c in rows.column_names])
        self.shapes, self.processes, self.seed = shapes(rows, writes), processes, seed
        self.sequences = sequences(self.shapes, tokens, seed or 0) if packing else None
        if packing:
            self.shapes = np.stack([self.shapes[one].sum(0) for one in self.sequences])
        self.plan = plan(self.shapes, tokens)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.order = drawn(self.plan, None if self.seed is None else [self.seed, epoch])

    def __len__(self) -> int:
        return len(self.order) * self.processes

    def __getitem__(self, i: int) -> list:
        batch = self.order[i // self.processes]
        mine = batch if self.seed is None else batch[i % self.processes :: self.processes]
        if self.sequences:
            return [self.rows.__getitems__(self.sequences[j].tolist()) for j in mine]
        return self.rows.__getitems__(mine.tolist()) if len(mine) else []

    def padding(self, epochs: float) -> list[float]:
        """The share of all positions that is padding, of each epoch begun."""
        orders = (drawn(self.plan, [self.seed, epoch]) for epoch in range(math.ceil(epochs)))
        return [round(float(padding(self.shapes, order)), 4) for order in orders]


def shapes(rows: datasets.Dataset, writes: bool) -> np.ndarray:
    """Tokens of each row as (rows, 2): of its input and of its target.

    writes: the model has a decoder that is given the target by itself; else the target, with a separator, stands in the
    input. Of rows without labels, which are corrupted as they are read, the most that can come of them.
    """
    inputs = _lengths(rows, "input_ids")
    if "labels" not in rows.column_names:
        return np.stack([inputs, inputs * writes], 1)
    labels = _lengths(rows, "labels")
    return np.stack([inputs, labels] if writes else [inputs + labels + (labels > 0), 0 * labels], 1)


def sequences(shapes: np.ndarray, tokens: int, seed: int) -> list[np.ndarray]:
    """Rows that stand end to end, as places: none longer than the longest row, all of about the shape of a mean one.

    Each row, in random order, goes where it first fits among the OPEN newest sequences. A row too long for any has one
    to itself.
    """
    mean = np.maximum(shapes.mean(0), 1)
    room = np.ceil(mean * (shapes.max(0) / mean).max())
    room = np.floor(room * min(1, tokens / room.sum())).tolist()
    found, left = [], []
    for row in np.random.default_rng(seed).permutation(len(shapes)).tolist():
        wide, long = shapes[row].tolist()
        for i in range(max(0, len(found) - OPEN), len(found)):
            if left[i][0] >= wide and left[i][1] >= long:
                break
        else:
            i = len(found)
            found.append([])
            left.append(list(room))
        found[i].append(row)
        left[i][0] -= wide
        left[i][1] -= long
    return [np.array(one) for one in found]


def targets(rows: datasets.Dataset) -> int:
    """How many labels are asked for: tokens of a target, or a label of a row."""
    labels = rows.with_format("arrow")[:]["labels"]
    flat = pc.list_flatten(labels) if _listed(rows, "labels") else labels
    return pc.sum(pc.not_equal(flat, -100)).as_py() or 0


@dataclass(frozen=True)
class Plan:
    """Where batches begin and end in rows that stand by their keys: columns of (rows, 2), the first the weightiest."""

    keys: np.ndarray
    ends: np.ndarray


def plan(shapes: np.ndarray, tokens: int) -> Plan:
    """Batches of at most `tokens` padded positions; a row longer than that is a batch of its own.

    Rows stand by the bucket of their target and, up and down by turns, of their input; a bucket's longest stands for
    all in it. So rows of one key may change places, and no epoch has more batches than another.
    """
    found = [_planned(shapes, tokens, grain) for grain in GRAINS]
    return min(found, key=lambda one: one[0])[1]


def _planned(shapes: np.ndarray, tokens: int, grain: int) -> tuple[int, Plan]:
    """The positions of all batches, and the plan, where targets stand in buckets so fine."""
    inputs, targets = tops(shapes[:, 0], FINE), tops(shapes[:, 1], grain)
    turn = np.unique(targets, return_inverse=True)[1] % 2
    keys = np.stack([targets, np.where(turn, -inputs, inputs)], 1)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ends, rows, wide, long, positions = [], 0, 0, 0, 0
    for at, (of_input, of_target) in enumerate(zip(inputs[order].tolist(), targets[order].tolist(), strict=True)):
        wider, longer = max(wide, of_input), max(long, of_target)
        if rows and (rows + 1) * (wider + longer) > tokens:
            ends.append(at)
            positions += rows * (wide + long)
            rows, wider, longer = 0, of_input, of_target
        rows, wide, long = rows + 1, wider, longer
    return positions + rows * (wide + long), Plan(keys, np.array([*ends, len(shapes)]))


def tops(lengths: np.ndarray, bits: int) -> np.ndarray:
    """The longest length of each one's bucket: lengths of one bucket share their `bits` leading bits.

    >>> tops(np.array([0, 7, 9, 17, 33]), 3).tolist()
    [0, 7, 10, 20, 40]
    """
    step = 2 ** np.maximum(np.frexp(lengths)[1] - bits, 0)
    return -(-lengths // step) * step


def drawn(plan: Plan, seed: list[int] | None) -> list[np.ndarray]:
    """The batches of an epoch as places of rows: rows of one key mixed, then the batches.

    Without a seed they stand as planned, the one with most rows last (accelerate cuts the last by its rows).
    """
    random = np.random.default_rng(seed) if seed is not None else None
    ties = random.permutation(len(plan.keys)) if random else np.arange(len(plan.keys))
    batches = np.split(np.lexsort((ties, plan.keys[:, 1], plan.keys[:, 0])), plan.ends[:-1])
    return [batches[i] for i in random.permutation(len(batches))] if random else sorted(batches, key=len)


def padding(shapes: np.ndarray, batches: list[np.ndarray]) -> float:
    """The share of all positions that is padding."""
    return 1 - shapes.sum() / sum(len(batch) * shapes[batch].max(0).sum() for batch in batches)


def divisible(collator: Callable, processes: int) -> Callable:
    """`collator`, with as many rows of no loss behind a batch as it takes to deal it out in equal shares."""
    if processes == 1:
        return collator

    def collate(rows: list[dict]) -> dict:
        batch = collator([*rows, *rows[:1] * (-len(rows) % processes)])
        batch["labels"][len(rows) :] = -100
        return batch

    return collate


def _for_each(processes: int, rows: datasets.Dataset) -> datasets.Dataset:
    """The rows, each batch of them repeated, so that dealing it out gives every process all of it.

    Of shares Trainer would take another mean than of whole batches, since the last batch is shorter.
    """
    if processes == 1:
        return rows
    return rows.with_transform(lambda batch: {column: values * processes for column, values in batch.items()})


def _listed(rows: datasets.Dataset, column: str) -> bool:
    return isinstance(rows.features[column], datasets.List)


def _lengths(rows: datasets.Dataset, column: str) -> np.ndarray:
    """Tokens of each row's list; 0 where a column holds numbers."""
    if not _listed(rows, column):
        return np.zeros(len(rows), np.int64)
    return np.array(pc.list_value_length(rows.with_format("arrow")[:][column]), np.int64)
