"""What fits a budget of tokens: batches of padded rows, and sequences of rows end to end. Numbers in, places out."""

from dataclasses import dataclass

import datasets
import numpy as np
import pyarrow.compute as pc

FINE = 5  # leading bits of an input's length that count for its place: lengths 128 to 255 in steps of 8
OPEN = 32  # sequences that a further row may still go to
GRAINS = (1, 2, 3, 4, 5)  # of a target's; the one is taken that pads least


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


def _listed(rows: datasets.Dataset, column: str) -> bool:
    return isinstance(rows.features[column], datasets.List)


def _lengths(rows: datasets.Dataset, column: str) -> np.ndarray:
    """Tokens of each row's list; 0 where a column holds numbers."""
    if not _listed(rows, column):
        return np.zeros(len(rows), np.int64)
    return np.array(pc.list_value_length(rows.with_format("arrow")[:][column]), np.int64)
