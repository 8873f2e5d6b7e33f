"""Candidates for keywords: the nouns and short noun phrases of reviews, as numbers.

A phrase of the lemmas a, b has the key a * PAIR + b, a single lemma its own number.
"""

import numpy as np
import polars as pl

from stages.lemmas import Words
from stages.parts import FOLLOWER, MODIFIER, NOUN

PAIR = 2**32


def find(tokens: pl.DataFrame, phrases: bool) -> pl.DataFrame:
    """Nouns and, if asked for, modifier + noun and noun + noun side by side: row, at (the token's place), key."""
    at = np.arange(tokens.height, dtype=np.uint32)
    tokens = tokens.with_columns(pl.Series("at", at), key=pl.col("lemma").cast(pl.UInt64))
    kind = pl.col("kind")
    single = tokens.filter(kind & NOUN > 0).select("row", "at", "key")
    if not phrases:
        return single
    after = pl.col("kind").shift(-1, fill_value=0)
    fits = ((kind & MODIFIER > 0) & (after & NOUN > 0)) | ((kind & NOUN > 0) & (after & FOLLOWER > 0))
    double = tokens.filter(fits & (pl.col("row") == pl.col("row").shift(-1)))
    double = double.select("row", "at").with_columns(
        key=pl.Series(_pairs(tokens["key"].to_numpy(), double["at"].to_numpy()), dtype=pl.UInt64)
    )
    return pl.concat([single, double])


def _pairs(lemmas: np.ndarray, at: np.ndarray) -> np.ndarray:
    return (lemmas[at] * np.uint64(PAIR)) + lemmas[at + 1]


def of_rubrics(words: Words, rubrics: pl.Series) -> pl.DataFrame:
    """The lemmas of each row's rubrics: row, lemma. A rubric is read once, however many rows have it."""
    different = rubrics.unique(maintain_order=True)
    said = words.read(different).select("row", lemma=pl.col("lemma").cast(pl.UInt64)).unique()
    rows = pl.DataFrame({"rubrics": rubrics}).with_row_index("at").join(
        pl.DataFrame({"rubrics": different}).with_row_index("row"), on="rubrics", how="left", nulls_equal=True
    )  # fmt: skip
    return rows.join(said, on="row").select(pl.col("at").alias("row"), "lemma")


def own(candidates: pl.DataFrame, rubrics: pl.DataFrame) -> pl.DataFrame:
    """The candidates that say more than the row's rubrics: at least one lemma of theirs is not among those."""
    first, last = pl.col("key") // PAIR, pl.col("key") % PAIR
    parts = candidates.with_columns(first=pl.when(first > 0).then(first).otherwise(last), last=last)
    for part in ("first", "last"):
        parts = parts.join(rubrics.with_columns(pl.lit(True).alias(f"{part}_in")), left_on=["row", part],
                           right_on=["row", "lemma"], how="left", maintain_order="left")  # fmt: skip
    repeats = pl.col("first_in").fill_null(False) & pl.col("last_in").fill_null(False)
    return parts.filter(~repeats).select("row", "at", "key")
