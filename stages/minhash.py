"""Pairs of texts that are nearly the same, found by hashes: of a text 250 bytes are kept, however long it is.

Two texts are near-duplicates when their sets of shingles overlap: Jaccard similarity at or above a threshold. Minima of
the shingles' hashes agree as often as the sets overlap (Broder, "On the resemblance and containment of documents",
1997); only texts that agree in a whole band of minima are compared (Leskovec, Rajaraman and Ullman, "Mining of Massive
Datasets", chapter 3). What is compared is compared exactly, by the shingles themselves: a pair found is a pair.
"""

import numpy as np
import polars as pl

from stages.shingles import PRIME, mix, words
from stages.threads import at_once

MINIMA = 64  # hash functions
MISSED = 1e-4  # share of pairs right at the threshold that banding may miss; more similar ones are missed less
MARGIN = 0.2  # Jaccard as 64 minima estimate it is off by 0.05 (one standard deviation): this far below is below
NEIGHBOURS = 32  # rows of one band that a row is compared with; the rest are reached through those
STEP = 1 << 16  # shingles hashed at once: what a processor's cache holds
PAIRS = 1 << 22  # shingles of pairs compared at once


def signatures(shingles: np.ndarray, starts: np.ndarray, seed: int = 1) -> np.ndarray:
    """The least hash of each row's shingles under each of MINIMA hash functions: (rows, MINIMA) uint32."""
    drawn = np.random.PCG64(seed).random_raw(2 * MINIMA).astype(np.uint32)
    factors, shifts = drawn[:MINIMA] | np.uint32(1), drawn[MINIMA:]
    rows = starts.size - 1
    least = np.empty((rows, MINIMA), np.uint32)

    def fill(first: int, last: int) -> None:
        part, at = shingles[starts[first] : starts[last]], starts[first:last] - starts[first]
        hashed = np.empty_like(part)
        for n in range(MINIMA):
            np.multiply(part, factors[n], out=hashed)
            np.add(hashed, shifts[n], out=hashed)
            least[first:last, n] = np.minimum.reduceat(hashed, at)

    cuts = [0]
    while cuts[-1] < rows:
        cuts.append(max(cuts[-1] + 1, int(np.searchsorted(starts, starts[cuts[-1]] + STEP, "right")) - 1))
    at_once(fill, cuts[:-1], cuts[1:])
    return least


def bands(least: np.ndarray, threshold: float) -> np.ndarray:
    """Minima of each row, hashed band by band: (rows, bands) uint32."""
    rows = rows_of_band(threshold)
    hashed = np.zeros((least.shape[0], MINIMA // rows), np.uint64)
    for n in range(rows):
        hashed *= PRIME
        hashed += least[:, n : MINIMA // rows * rows : rows]
    return (mix(hashed) >> np.uint64(32)).astype(np.uint32)


def rows_of_band(threshold: float) -> int:
    """The most minima a band may have so that at most MISSED of the pairs at the threshold share no band."""
    fits = [rows for rows in range(1, 9) if (1 - threshold**rows) ** (MINIMA // rows) <= MISSED]
    return max(fits, default=1)


def candidates(banded: np.ndarray | list, rows: np.ndarray | None = None) -> np.ndarray:
    """Pairs of rows that share a band, the lesser row first: (pairs, 2) int64, sorted, none twice.

    banded: (rows, bands), or its columns, one or all of which may lie on disk. rows: those to pair, in an order of
    their own; a pair is then two places in it.
    """
    columns = banded.T if isinstance(banded, np.ndarray) else banded
    rows = np.arange(len(banded)) if rows is None else rows
    found = [np.empty(0, np.uint64)]
    place = np.arange(rows.size, dtype=np.uint64)
    for band in columns:
        order = (band[rows].astype(np.uint64) << np.uint64(32)) | place
        order.sort()
        key = order >> np.uint64(32)
        same = np.arange(order.size)
        for apart in range(1, NEIGHBOURS + 1):
            same = same[: np.searchsorted(same, order.size - apart)]
            same = same[key[same] == key[same + apart]]
            if not same.size:
                break
            found.append((order[same] << np.uint64(32)) | (order[same + apart] & np.uint64(0xFFFFFFFF)))
    pairs = np.unique(np.concatenate(found))
    return np.stack([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int64)


def similar(pairs: np.ndarray, minima: np.ndarray, text: pl.Series, threshold: float) -> np.ndarray:
    """Those of `pairs` whose Jaccard similarity is at or above the threshold, compared shingle by shingle.

    minima: 16 bits or more of each row's signature, which rule most pairs out before any text is read again.
    """
    parts = [pairs[:0]]
    for part in _slices(pairs, PAIRS // MINIMA):
        agree = (minima[part[:, 0]] == minima[part[:, 1]]).mean(axis=1)
        parts.append(part[agree >= threshold - MARGIN])
    pairs = np.concatenate(parts)
    asked = np.unique(pairs)
    _, shingles, starts = words(text.gather(asked))
    one, other = np.searchsorted(asked, pairs[:, 0]), np.searchsorted(asked, pairs[:, 1])
    sizes = np.diff(starts)
    ends = np.cumsum(sizes[one] + sizes[other])
    kept, first = [pairs[:0]], 0
    while first < len(pairs):
        last = max(first + 1, int(np.searchsorted(ends, (ends[first - 1] if first else 0) + PAIRS, "right")))
        part = slice(first, last)
        near = _jaccard(shingles, starts, one[part], other[part]) >= threshold
        kept.append(pairs[part][near])
        first = last
    return np.concatenate(kept)


def firsts(rows: int, pairs: np.ndarray) -> np.ndarray:
    """For each row the first row that it is tied to by `pairs`, directly or through others; itself where by none."""
    label = np.arange(rows)
    while True:
        ties = label[pairs]
        ties = ties[ties[:, 0] != ties[:, 1]]
        if not len(ties):
            return label
        np.minimum.at(label, ties.max(axis=1), ties.min(axis=1))
        while (label[label] != label).any():
            label = label[label]


def later(rows: int, pairs: np.ndarray) -> np.ndarray:
    """The rows that are tied to an earlier one."""
    return np.flatnonzero(firsts(rows, pairs) < np.arange(rows))


def _jaccard(shingles: np.ndarray, starts: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Jaccard similarity of the sets of shingles of row one[i] and row other[i]: (pairs) float64."""
    sets = []
    for rows in (one, other):
        sizes = starts[rows + 1] - starts[rows]
        place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        pair = np.repeat(np.arange(rows.size, dtype=np.uint64), sizes) << np.uint64(32)
        sets.append(np.unique(pair | shingles[np.repeat(starts[rows], sizes) + place]))
    both = np.concatenate(sets)
    both.sort()
    shared = np.bincount((both[1:][both[1:] == both[:-1]] >> np.uint64(32)).astype(np.int64), minlength=one.size)
    total = np.bincount((both >> np.uint64(32)).astype(np.int64), minlength=one.size)
    return shared / (total - shared)


def _slices(values: np.ndarray, most: int) -> list[np.ndarray]:
    return [values[first : first + most] for first in range(0, len(values), most)]
