"""A text as numbers: a hash of what it says, and its shingles, the runs of SHINGLE letters and digits in it.

Lower case, and neither spacing nor punctuation, so that "Очень вкусно!" says what "очень  вкусно" says. Everything is
computed from code points, in NumPy: the same on every machine, whatever the block of rows.
"""

import functools
import sys
from collections.abc import Iterator

import numpy as np
import polars as pl

SHINGLE = 5  # characters: one syllable changed in a Korean review of under fifty makes another review of it
STEP = 1 << 16  # characters at once: what a processor's cache holds
PRIME = np.uint64(0x9E3779B97F4A7C15)


def words(text: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each text's identity and its shingles: hash (rows) uint64, shingles (any) uint32, starts (rows + 1) int64.

    The hash is of all letters and digits in lower case; row i's shingles are shingles[starts[i]:starts[i + 1]], at
    least one. A text shorter than SHINGLE is one shingle.
    """
    parts = [_words(part) for part in _cut(text)]
    whole, shingles, counts = (np.concatenate(list(of)) for of in zip(*parts, strict=True))
    return whole, shingles, np.concatenate([[0], np.cumsum(counts)])


def _cut(text: pl.Series) -> Iterator[pl.Series]:
    """The rows in order, in slices of STEP characters, or of one text that is longer."""
    ends = text.str.len_chars().fill_null(0).cum_sum().to_numpy()
    first = 0
    while first < text.len() or not first:
        last = int(np.searchsorted(ends, (ends[first - 1] if first else 0) + STEP, "right"))
        last = max(first + 1, last)
        yield text.slice(first, last - first)
        first = last


def _words(text: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for a slice of rows; for starts, how many shingles each row has."""
    codes, ends = _codes(text)
    mixed = _letters()[1][codes]
    sizes = np.diff(ends, prepend=0)
    begins = ends - sizes
    place = np.arange(codes.size) - np.repeat(begins, sizes)
    whole = mix(
        _sums(mixed * _powers(int(sizes.max(initial=0)).bit_length())[place], begins, sizes) + sizes.astype(np.uint64)
    )
    rolled = np.zeros(max(0, codes.size - SHINGLE + 1), np.uint64)
    for n in range(SHINGLE):
        rolled *= PRIME
        rolled += mixed[n : n + rolled.size]
    counts = np.maximum(sizes - SHINGLE + 1, 1)
    short = sizes < SHINGLE
    alone = np.zeros(int(counts.sum()), bool)  # which shingles are a whole text
    alone[(np.cumsum(counts) - counts)[short]] = True
    shingles = np.empty(alone.size, np.uint64)
    shingles[alone] = whole[short]
    shingles[~alone] = mix(rolled[(place <= np.repeat(sizes, sizes) - SHINGLE)[: rolled.size]])
    return whole, (shingles >> np.uint64(32)).astype(np.uint32), counts


def _codes(text: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The letters and digits of all texts, in lower case, one after the other, and where each text's end."""
    lengths = text.str.len_chars().fill_null(0).to_numpy()
    codes = np.frombuffer("".join(text.fill_null("").to_list()).encode("utf-32-le", "surrogatepass"), np.uint32)
    lower = _letters()[0][codes]
    keep = lower > 0
    counted = np.concatenate([[0], np.cumsum(keep)])
    return lower[keep], counted[np.cumsum(lengths)]


@functools.cache
def _letters() -> tuple[np.ndarray, np.ndarray]:
    """For every code point its lower case, 0 for what is no letter, mark or digit; and a hash of it."""
    points = pl.Series([chr(n) if not 0xD800 <= n < 0xE000 else "" for n in range(sys.maxunicode + 1)])
    kept = points.str.contains(r"[\p{L}\p{M}\p{N}]").to_numpy()
    lower = np.zeros(points.len(), np.uint32)
    of = np.flatnonzero(kept)
    lower[of] = [ord(low) if len(low := chr(n).lower()) == 1 else n for n in of.tolist()]
    return lower, mix(np.arange(points.len(), dtype=np.uint64) + PRIME)


@functools.cache
def _powers(bits: int) -> np.ndarray:
    powers = np.full(1 << bits, PRIME)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _sums(values: np.ndarray, begins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums of values[begins[i]:begins[i] + sizes[i]], modulo 2**64; of none it is 0."""
    running = np.concatenate([np.zeros(1, np.uint64), np.add.accumulate(values, dtype=np.uint64)])
    return running[begins + sizes] - running[begins]


def mix(values: np.ndarray) -> np.ndarray:
    """Each uint64 to another that looks random (the last steps of SplitMix64, Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
