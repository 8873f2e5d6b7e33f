"""95% intervals: Wilson's for shares, the bootstrap's for everything else. All return {value, low, high, n}."""

from collections.abc import Callable

import numpy as np

RESAMPLES = 1000


def summary(values: list[bool] | list[float | None], seed: int) -> dict:
    """Per-row values as one figure: a share of rows where they say right or wrong, else their mean; None is left out.

    Where no row has a value, n is 0 and the interval says that nothing is known.
    """
    known = [value for value in values if value is not None]
    if not known:
        return {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
    return share(known) if all(isinstance(value, bool) for value in known) else mean(known, seed)


def share(hits: list[bool]) -> dict:
    """A share of rows with Wilson's score interval (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    >>> share([True] * 87 + [False] * 13)
    {'value': 0.87, 'low': 0.790196, 'high': 0.922428, 'n': 100}
    """
    from scipy.stats import binomtest  # half a second to open, so not before a share is taken

    low, high = binomtest(sum(hits), len(hits)).proportion_ci(0.95, "wilson")
    return _rounded(sum(hits) / len(hits), low, high, len(hits))


def mean(values: list[float], seed: int) -> dict:
    """A mean over rows with a percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13)."""
    return bootstrap(len(values), lambda rows: float(np.asarray(values)[rows].mean()), seed)


def bootstrap(n: int, statistic: Callable[[np.ndarray], float], seed: int) -> dict:
    """Any statistic of row numbers with a percentile bootstrap interval over resampled rows."""
    random = np.random.default_rng(seed)
    resampled = [statistic(random.integers(0, n, n)) for _ in range(RESAMPLES)]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return _rounded(statistic(np.arange(n)), low, high, n)


def _rounded(value: float, low: float, high: float, n: int) -> dict:
    return {"value": round(float(value), 6), "low": round(float(low), 6), "high": round(float(high), 6), "n": n}
