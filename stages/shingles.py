"""A text as numbers: a hash of what it says, and its shingles, the runs of SHINGLE letters and digits in it.

Lower case, and neither spacing nor punctuation, so that "Очень вкусно!" says what "очень  вкусно" says. Everything is
computed from code points, in NumPy: the same on every machine, whatever the block of rows.
"""

import functools
import sys
from collections.abc import Iterator

import numpy as np
import polars as pl

from stages.threads import at_once

SHINGLE = 5  # characters: one syllable changed in a Korean review of under fifty makes another review of it
STEP = 1 << 16  # characters at once: what a processor's cache holds
PRIME = np.uint64(0x9E3779B97F4A7C15)


def words(text: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each text's identity and its shingles: hash (rows) uint64, shingles (any) uint32, starts (rows + 1) int64.

    The hash is of all letters and digits in lower case; row i's shingles are shingles[starts[i]:starts[i + 1]], at
    least one. A text shorter than SHINGLE is one shingle.
    """
    _letters()  # once, before the threads ask for it
    parts = at_once(_words, _cut(text))
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
    mixed, ends = _mixed(text)
    sizes = np.diff(ends, prepend=0)
    begins = ends - sizes
    powers, inverse = _powers(max(mixed.size, 1).bit_length())
    # powers count from the slice's first character, and are taken back to the text's
    whole = mix(_sums(mixed * powers[: mixed.size], begins, sizes) * inverse[begins] + sizes.astype(np.uint64))
    counts = np.maximum(sizes - SHINGLE + 1, 1)
    begun = np.ones(mixed.size, bool)  # where a shingle begins that ends within its text
    for n in range(1, SHINGLE):
        late = ends - n
        begun[late[late >= begins]] = False
    rolled = (mix(_rolled(mixed)[begun[: max(0, mixed.size - SHINGLE + 1)]]) >> np.uint64(32)).astype(np.uint32)
    short = sizes < SHINGLE
    if not short.any():
        return whole, rolled, counts
    alone = np.zeros(int(counts.sum()), bool)  # which shingles are a whole text
    alone[(np.cumsum(counts) - counts)[short]] = True
    shingles = np.empty(alone.size, np.uint32)
    shingles[alone] = whole[short] >> np.uint64(32)
    shingles[~alone] = rolled
    return whole, shingles, counts


def _rolled(mixed: np.ndarray) -> np.ndarray:
    """The polynomial of every run of SHINGLE numbers: of two, of four from those, of five."""
    if mixed.size < SHINGLE:
        return mixed[:0]
    two = mixed[:-1] * PRIME
    two += mixed[1:]
    four = two[:-2] * np.uint64(pow(int(PRIME), 2, 2**64))
    four += two[2:]
    five = four[:-1] * PRIME
    five += mixed[4:]
    return five


def _mixed(text: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """A hash of each letter and digit, in lower case, of all texts one after the other, and where each text's end."""
    lengths = text.str.len_chars().fill_null(0).to_numpy()
    codes = np.frombuffer((text.str.join("").item() or "").encode("utf-32-le", "surrogatepass"), np.uint32)
    kept, hashes = _letters()
    keep = kept[codes]
    counted = np.zeros(codes.size + 1, np.int64)
    np.cumsum(keep, out=counted[1:])
    return hashes[codes[keep]], counted[np.cumsum(lengths)]


@functools.cache
def _letters() -> tuple[np.ndarray, np.ndarray]:
    """For every code point whether it is a letter, mark or digit; and a hash of its lower case."""
    points = pl.Series([chr(n) if not 0xD800 <= n < 0xE000 else "" for n in range(sys.maxunicode + 1)])
    kept = points.str.contains(r"[\p{L}\p{M}\p{N}]").to_numpy()
    lower = np.arange(points.len(), dtype=np.uint64)
    of = np.flatnonzero(kept)
    lower[of] = [ord(low) if len(low := chr(n).lower()) == 1 else n for n in of.tolist()]
    return kept, mix(lower + PRIME)


@functools.cache
def _powers(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """PRIME to the power of 0, 1, … 2**bits - 1, and what undoes a multiplication by each, modulo 2**64."""
    powers = np.full((2, 1 << bits), [[PRIME], [pow(int(PRIME), -1, 2**64)]], np.uint64)
    powers[:, 0] = 1
    return tuple(np.multiply.accumulate(powers, axis=1))


def _sums(values: np.ndarray, begins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums of values[begins[i]:begins[i] + sizes[i]], modulo 2**64; of none it is 0."""
    running = np.zeros(values.size + 1, np.uint64)
    np.cumsum(values, out=running[1:])
    return running[begins + sizes] - running[begins]


def mix(values: np.ndarray) -> np.ndarray:
    """Each uint64 to another that looks random (the last steps of SplitMix64, Steele, Lea and Flood 2014)."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values
