"""Which rows repeat an earlier one, or contradict it: decided from hashes of all rows, without their texts.

Asked in this order, each of the rows that the one before left:

contradictory   the same words with opposite ratings (two stars at most, four at least): nobody knows which is meant,
                so every copy goes. A formula ("최고", under FORMULA characters) is another matter: a thousand write it
                and three slip on the stars, and to drop them all would drop the commonest words of the language.
                There the copies on the side of the fewer go; all do when neither side is more.
duplicate       exactly the text of an earlier row (and, where texts answer questions, to the same question).
near_duplicate  as good as the text of an earlier row (see stages.minhash), or of one that is in turn.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stages import minhash
from stages.blocks import Array, Aside
from stages.shingles import words

FORMULA = 15  # characters


@dataclass(frozen=True)
class Prints:
    """What is kept of some rows' texts. text, words: hashes of the text and of its words, (rows) uint64.

    chars: (rows) uint32. minima: (rows, MINIMA) uint16, the low halves of the signatures. bands: (rows, bands) uint32,
    or none.
    """

    text: np.ndarray
    words: np.ndarray
    chars: np.ndarray
    minima: np.ndarray | Array
    bands: np.ndarray | list[Array]

    @staticmethod
    def concat(parts: list["Prints"]) -> "Prints":
        return Prints(*(np.concatenate([getattr(part, name) for part in parts]) for name in Prints.__annotations__))


class Pile:
    """The prints of a table, block upon block: hashes in memory, minima and bands in files of a folder."""

    def __init__(self, folder: Path, threshold: float | None):
        folder.mkdir()
        self.minima = Array(folder / "minima", np.uint16, minhash.MINIMA)
        bands = minhash.MINIMA // minhash.rows_of_band(threshold) if threshold else 0
        self.bands = [Array(folder / f"band-{n}", np.uint32) for n in range(bands)]
        self.hashes = [fingerprints(pl.Series([], dtype=pl.String), None)]

    def add(self, part: Prints) -> None:
        self.minima.add(part.minima)
        for n, band in enumerate(self.bands):
            band.add(part.bands[:, n])
        none = self.hashes[0]
        self.hashes.append(Prints(part.text, part.words, part.chars, none.minima, none.bands))

    def prints(self) -> Prints:
        whole = Prints.concat(self.hashes)
        return Prints(whole.text, whole.words, whole.chars, self.minima, self.bands)


def fingerprints(texts: pl.Series, threshold: float | None, seed: int = 1, of: pl.Series | None = None) -> Prints:
    """The hashes of each text; minima and bands of nothing when near-duplicates are not looked for.

    of: the question that each text answers, null for none. Equal answers to two questions share no hash.
    """
    said, shingles, starts = words(texts)
    salt = salts(of, texts.len())
    hashes = texts.hash().to_numpy() ^ salt, said ^ salt, texts.str.len_chars().to_numpy()
    shingles = shingles ^ np.repeat(salt >> np.uint64(32), np.diff(starts)).astype(np.uint32)
    if threshold is None:
        none = np.empty((texts.len(), 0))
        return Prints(*hashes, none.astype(np.uint16), none.astype(np.uint32))
    least = minhash.signatures(shingles, starts, seed)
    return Prints(*hashes, least.astype(np.uint16), minhash.bands(least, threshold))


def salts(of: pl.Series | None, rows: int) -> np.ndarray:
    """What the hashes of each row are mixed with, (rows) uint64: a hash of `of`, 0 (which changes nothing) for null."""
    if of is None or of.null_count() == rows:
        return np.zeros(rows, np.uint64)
    return pl.select(pl.when(of.is_not_null()).then(of.hash()).otherwise(0)).to_series().cast(pl.UInt64).to_numpy()


def collapse(texts: pl.Series | Aside, rating: pl.Series, prints: Prints, threshold: float | None) -> pl.Series:
    """For each row the reason to reject it, null for a row to keep. rating: 1–5 stars. threshold: Jaccard similarity.

    Of the texts only those that may be near-duplicates are read.
    """
    reason = repeats(prints.text, prints.words, prints.chars, rating)
    if threshold is None:
        return reason
    left = reason.is_null().arg_true().to_numpy()
    pairs = left[minhash.candidates(prints.bands, left)]
    pairs = minhash.similar(pairs, prints.minima, texts, threshold)
    return reason.scatter(minhash.later(reason.len(), pairs), "near_duplicate").alias("reason")


def repeats(text: np.ndarray, words: np.ndarray, chars: np.ndarray, rating: pl.Series) -> pl.Series:
    """contradictory, duplicate or null for each row, from the hashes of Prints.

    Rows of the same words have to be asked together and in their order; others may be asked apart from them.
    """
    rows = pl.DataFrame({"text": text, "words": words, "rating": rating, "formula": chars < FORMULA})
    against, favour = (pl.col("rating") <= 2).sum().over("words"), (pl.col("rating") >= 4).sum().over("words")
    outvoted = (
        pl.when(pl.col("rating") <= 2).then(against <= favour).otherwise((pl.col("rating") >= 4) & (favour <= against))
    )
    contradicts = (against > 0) & (favour > 0) & (~pl.col("formula") | outvoted)
    rows = rows.select("text", reason=pl.when(contradicts).then(pl.lit("contradictory")))
    repeated = pl.col("reason").is_null() & ~pl.col("text").is_first_distinct().over("reason")
    return rows.select(pl.when(repeated).then(pl.lit("duplicate")).otherwise("reason").alias("reason")).to_series()
