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
import torch
from torch.utils.data import Dataset

from stages.models.budgets import drawn, padding, plan, sequences, shapes, targets

COLUMNS = ["input_ids", "labels"]


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
