"""Test rows that training rows give away, measured afresh: by other means than those that are to prevent it."""

import numpy as np
import polars as pl

from stages.minhash import bands, candidates, signatures, similar
from stages.shingles import words

SEED = 2  # of the minima; duplicates are collapsed with another


def leakage(kept: pl.DataFrame, threshold: float) -> dict[str, int]:
    """Test rows whose words, in lower case and without punctuation, are a training row's, and those nearly so.

    kept: text and split. threshold: Jaccard similarity. An exact leak is a near one too.
    """
    kept = kept.filter(pl.col("split").is_in(["train", "test"])).sort(pl.col("split") == "test", maintain_order=True)
    text, is_test = kept["text"], (kept["split"] == "test").to_numpy()
    plain = text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]+", "")
    exact = plain.filter(is_test).is_in(plain.filter(~is_test).implode()).sum()
    _, shingles, starts = words(text)
    minima = signatures(shingles, starts, SEED)
    pairs = candidates(bands(minima, threshold))
    pairs = pairs[is_test[pairs[:, 0]] != is_test[pairs[:, 1]]]
    near = similar(pairs, minima, text, threshold)
    return {"exact": int(exact), "near": int(np.unique(near[:, 1]).size)}
