"""Whether one contestant is better than another on the same rows, or chance will do as an explanation.

Right or wrong: McNemar's exact test. Anything else: a paired bootstrap, every contestant on the same resampled rows.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import binomtest

RESAMPLES = 10_000  # a p of at least 1/5,000, so that it can be significant after a hundred comparisons
CELLS = 4_000_000  # of a block of weights: 32 MB
LOWER_IS_BETTER = frozenset({"brier", "ece", "off_label", "rmse"})


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """(tables,): metrics.labels.macro_f1 of confusion tables, (tables, said, true); the last `said` is no label."""
    there = confusion.sum(1)
    labels = there.shape[1]
    hits = np.diagonal(confusion[:, :labels], axis1=1, axis2=2)
    f1 = np.divide(2 * hits, confusion.sum(2)[:, :labels] + there, out=np.zeros_like(there), where=there > 0)
    return f1.sum(1) / (there > 0).sum(1)


# Metrics of all rows together, from tables of what was said and what was true.
WHOLE: dict[str, Callable[[np.ndarray], np.ndarray]] = {"macro_f1": macro_f1}


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


def compared_whole(
    said: dict[str, np.ndarray], true: np.ndarray, figure: Callable[[np.ndarray], np.ndarray], seed: int
) -> list[dict]:
    """The same by a figure of all rows together. said, true: (rows,), numbers of labels; what is no label has the
    number above the last."""
    labels = int(max(true.max(), *(one.max() - 1 for one in said.values()))) + 1
    cells = np.stack(list(said.values()), 1).astype(int) * labels + true[:, None].astype(int)  # (rows, contestants)
    each = (labels + 1) * labels
    marks = np.eye(each, dtype=np.float32)[cells].reshape(len(true), -1)  # (rows, contestants x cells)

    def figures(weights: np.ndarray) -> np.ndarray:
        tables = (weights @ marks).reshape(-1, labels + 1, labels).astype(float)
        return figure(tables).reshape(len(weights), len(said))

    told = figures(np.ones((1, len(true)), np.float32))[0]
    drawn = np.concatenate([figures(weights) for weights in resamples(len(true), seed)])
    return _pairs(list(said), told, drawn, None)


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
