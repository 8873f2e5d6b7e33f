"""Whether one contestant is better than another on the same rows, or chance will do as an explanation.

Right or wrong: McNemar's exact test. Anything else: a paired bootstrap, every contestant on the same resampled rows.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000  # a p of at least 1/5,000, so that it can be significant after a hundred comparisons
CELLS = 4_000_000  # of a block of weights: 32 MB
TINY = 1e-12  # below it a variance is none
LOWER_IS_BETTER = frozenset(
    {"brier", "ece", "off_label", "rmse", "score_error", "malformed", "repeated", "self_bleu", "longest_copy", "copies"}
)


@dataclass(frozen=True)
class Whole:
    """A figure that only all rows together have, taken again from sums over drawn rows.

    said, true: columns of the scores table. table: whether they are numbers of labels, of which a figure sees how often
    each was said of each; else a figure sees the means of s, t, s squared, t squared and s times t.
    """

    said: str
    true: str
    table: bool
    figure: Callable[[np.ndarray], np.ndarray]  # (draws, said, true) or (5, draws) → (draws,)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """metrics.labels.macro_f1 of confusion tables, (tables, said, true); the last `said` is no label."""
    there = confusion.sum(1)
    labels = there.shape[1]
    hits = np.diagonal(confusion[:, :labels], axis1=1, axis2=2)
    f1 = np.divide(2 * hits, confusion.sum(2)[:, :labels] + there, out=np.zeros_like(there), where=there > 0)
    return f1.sum(1) / (there > 0).sum(1)


def kappa(means: np.ndarray) -> np.ndarray:
    """Cohen's with quadratic weights (Cohen 1968), from means; 0 where both are one and the same constant."""
    s, t, ss, tt, st = means
    expected = ss + tt - 2 * s * t
    agreed = np.divide(ss + tt - 2 * st, expected, out=np.ones_like(expected), where=expected > TINY)
    return 1 - agreed


def rmse(means: np.ndarray) -> np.ndarray:
    """Root of the mean squared error, from means."""
    _, _, ss, tt, st = means
    return np.sqrt(np.maximum(ss + tt - 2 * st, 0))


def pearson(means: np.ndarray) -> np.ndarray:
    """Pearson's correlation, from means; 0 for a constant, which says nothing."""
    s, t, ss, tt, st = means
    size = np.sqrt(np.maximum(ss - s * s, 0) * np.maximum(tt - t * t, 0))
    return np.divide(st - s * t, size, out=np.zeros_like(size), where=size > TINY)


# `said` and `true` are numbers of labels, `number` and `true_number` numbers of their own.
WHOLE = {
    "macro_f1": Whole("said", "true", True, macro_f1),
    "kappa": Whole("said", "true", False, kappa),
    "rmse": Whole("number", "true_number", False, rmse),
    "pearson": Whole("number", "true_number", False, pearson),
}


def compared(values: dict[str, np.ndarray], seed: int) -> list[dict]:
    """Each pair of contestants by the mean of what each row scores: {a, b, difference, low, high, p, test}.

    values: contestant → (rows,), NaN for a row that a metric asks nothing of; such rows are left out. The difference is
    a's less b's. Its 95% interval are percentiles of the bootstrap, its p is McNemar's exact one where all values are 0
    or 1 (McNemar 1947, doi:10.1007/BF02295996), else the bootstrap's.
    """
    columns = np.stack(list(values.values()), 1).astype(np.float32)
    columns = columns[~np.isnan(columns).any(1)]
    if not len(columns):
        return []
    told = columns.mean(0, dtype=float)
    drawn = np.concatenate([weights @ columns / len(columns) for weights in resamples(len(columns), seed)])
    right_or_wrong = bool(np.isin(columns, (0, 1)).all())
    return _pairs(list(values), told, drawn, columns if right_or_wrong else None)


def compared_whole(said: dict[str, np.ndarray], true: np.ndarray, whole: Whole, seed: int) -> list[dict]:
    """The same by a figure of all rows together. said: contestant → (rows,); true: (rows,)."""
    columns = np.stack(list(said.values()), 1)
    figures = _of_tables(columns, true, whole) if whole.table else _of_means(columns, true, whole)
    told = figures(np.ones((1, len(true)), np.float32))[0]
    drawn = np.concatenate([figures(weights) for weights in resamples(len(true), seed)])
    return _pairs(list(said), told, drawn, None)


def _of_tables(said: np.ndarray, true: np.ndarray, whole: Whole) -> Callable[[np.ndarray], np.ndarray]:
    """(draws, rows) of weights → (draws, contestants). What is no label has the number above the last."""
    labels = int(max(true.max(), said.max() - 1)) + 1
    cells = said.astype(int) * labels + true[:, None].astype(int)  # (rows, contestants)
    marks = np.eye((labels + 1) * labels, dtype=np.float32)[cells].reshape(len(true), -1)

    def figures(weights: np.ndarray) -> np.ndarray:
        tables = (weights @ marks).reshape(-1, labels + 1, labels).astype(float)
        return whole.figure(tables).reshape(len(weights), said.shape[1])

    return figures


def _of_means(said: np.ndarray, true: np.ndarray, whole: Whole) -> Callable[[np.ndarray], np.ndarray]:
    """(draws, rows) of weights → (draws, contestants)."""
    t = np.broadcast_to(true[:, None], said.shape)
    parts = np.concatenate([said, t, said**2, t**2, said * t], 1)  # (rows, 5 x contestants)

    def figures(weights: np.ndarray) -> np.ndarray:
        means = (weights @ parts / len(true)).reshape(len(weights), 5, -1)
        return whole.figure(np.moveaxis(means, 1, 0))

    return figures


def _pairs(names: list[str], told: np.ndarray, drawn: np.ndarray, right: np.ndarray | None) -> list[dict]:
    """told: (contestants,). drawn: (resamples, contestants). right: (rows, contestants) of 0 and 1, for McNemar."""
    pairs = []
    for a, b in itertools.combinations(range(len(names)), 2):
        gaps = drawn[:, a] - drawn[:, b]
        low, high = np.percentile(gaps, [2.5, 97.5])
        p = two_sided(gaps) if right is None else mcnemar(right[:, a], right[:, b])
        pair = {"difference": told[a] - told[b], "low": low, "high": high, "p": p}
        test = "bootstrap" if right is None else "mcnemar"
        pairs.append(
            {"a": names[a], "b": names[b], "test": test} | {key: round(float(one), 6) for key, one in pair.items()}
        )
    return pairs


def mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    """The exact two-sided p that as many rows are right by `a` alone as by `b` alone.

    >>> mcnemar(np.array([1, 1, 1, 1, 1, 1, 0]), np.array([0, 0, 0, 0, 0, 0, 0]))
    0.03125
    """
    from scipy.stats import binomtest  # half a second to open, so not before it is asked

    only_a, only_b = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def two_sided(gaps: np.ndarray) -> float:
    """The bootstrap's p: twice the smaller share of resamples on either side of no difference (Efron and Tibshirani
    1993, chapter 15); never 0, which no resampling can show."""
    smaller = min(int((gaps <= 0).sum()), int((gaps >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(gaps) + 1))


def resamples(rows: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row is drawn, (resamples of a block, rows), in blocks that fit into memory; the seed decides."""
    random = np.random.default_rng(seed)
    block = max(1, min(RESAMPLES, CELLS // rows))
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        drawn = random.integers(0, rows, (size, rows)) + np.arange(size)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float32)


def holm(ps: list[float]) -> list[float]:
    """The p-values adjusted for their number by Holm's step-down (Holm 1979), in their own order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda i: (ps[i], i))):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = round(highest, 6)
    return adjusted
