"""Work on texts in two threads: NumPy and Polars work without Python's lock, and on one core for one column."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

THREADS = 2


def at_once(work: Callable, *parts: Iterable) -> list:
    """What `work` gives for each of the parts, in their order; THREADS at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, *parts))


def shares(texts: pl.Series) -> list[pl.Series]:
    """The texts in THREADS slices, one after the other; in one where there are few."""
    each = max(1000, -(-texts.len() // THREADS))
    return [texts.slice(first, each) for first in range(0, max(1, texts.len()), each)]
