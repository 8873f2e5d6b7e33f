"""How near given marks are to the marker's. Marks lie in 0–1; an answer that is no number is a mark of 0."""

from collections.abc import Callable

import numpy as np
import polars as pl

from stages.metrics import intervals
from stages.stars import parse


def kappa(answers: list[str], marks: pl.Series, labels: tuple[str, ...], seed: int) -> dict:
    """Cohen's κ with quadratic weights (Cohen 1968, doi:10.1037/h0026256) of the labels nearest to answers and marks.

    1 is agreement, 0 what chance gives. As scikit-learn's cohen_kappa_score(weights="quadratic") over all labels, from
    moments, so that resampling is quick; 0 where both are one and the same constant. Bootstrap interval.
    """
    said, true = (nearest(values, labels).astype(float) for values in (read(answers), marks.to_numpy()))

    def statistic(rows: np.ndarray) -> float:
        s, t = said[rows], true[rows]
        expected = s.var() + t.var() + (s.mean() - t.mean()) ** 2
        agreed = 1 - ((s - t) ** 2).mean() / expected if expected > 0 else 0.0
        return round(agreed, 9) + 0.0  # no -0.0 of a constant

    return intervals.bootstrap(len(said), statistic, seed)


def rmse(answers: list[str], marks: pl.Series, seed: int) -> dict:
    """Root of the mean squared error, in marks; bootstrap interval."""
    squares = (read(answers) - marks.to_numpy()) ** 2
    return intervals.bootstrap(len(squares), lambda rows: float(np.sqrt(squares[rows].mean())), seed)


def pearson(answers: list[str], marks: pl.Series, seed: int) -> dict:
    """Pearson's correlation, 0 for a constant, which says nothing; bootstrap interval."""
    return _correlated(read(answers), marks.to_numpy(), lambda values: values, seed)


def spearman(answers: list[str], marks: pl.Series, seed: int) -> dict:
    """Spearman's: Pearson's of the ranks, equal values sharing theirs; bootstrap interval."""
    from scipy.stats import rankdata  # see intervals.share

    return _correlated(read(answers), marks.to_numpy(), rankdata, seed)


MEASURES = {"rmse": rmse, "pearson": pearson, "spearman": spearman}


def readable(answers: list[str]) -> dict:
    """Share of answers that are a number at all; Wilson interval."""
    return intervals.share(parse(_series(answers)).is_not_null().to_list())


def read(answers: list[str]) -> np.ndarray:
    """The mark of each answer, held to 0–1; 0 for what is no number.

    >>> read(["0.75", "1.2", "-0.1", "half"]).tolist()
    [0.75, 1.0, 0.0, 0.0]
    """
    return parse(_series(answers)).fill_null(0.0).clip(0, 1).to_numpy()


def nearest(marks: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """The number of the label nearest to each mark, of two as near the higher. Labels are numbers that rise.

    >>> nearest(np.array([0.1, 0.5, 0.7]), ("0", "0.5", "0.9")).tolist()
    [0, 1, 2]
    """
    steps = np.array([float(label) for label in labels])
    return np.searchsorted((steps[1:] + steps[:-1]) / 2, marks, side="right")


def _correlated(said: np.ndarray, true: np.ndarray, of: Callable[[np.ndarray], np.ndarray], seed: int) -> dict:
    def statistic(rows: np.ndarray) -> float:
        s, t = of(said[rows]), of(true[rows])
        s, t = s - s.mean(), t - t.mean()
        size = np.sqrt((s @ s) * (t @ t))
        return float(s @ t / size) if size > 1e-12 else 0.0

    return intervals.bootstrap(len(said), statistic, seed)


def _series(answers: list[str]) -> pl.Series:
    return pl.Series(answers, dtype=pl.String)
