"""Test rows that training rows give away, measured afresh: by other means than those that are to prevent it."""

import dataclasses

import numpy as np
import polars as pl

from stages.blocks import Aside
from stages.duplicates import Prints, fingerprints, salts
from stages.minhash import candidates, similar

SEED = 2  # of the minima; duplicates are collapsed with another


def leakage(kept: pl.DataFrame, threshold: float) -> dict[str, int]:
    """Test rows whose words, in lower case and without punctuation, are a training row's, and those nearly so.

    kept: text, split and, where there is one, question. threshold: Jaccard similarity. An exact leak is a near one too.
    """
    of = kept["question"] if "question" in kept.columns else None
    return leaks(kept["text"], kept["split"], marks(kept["text"], threshold, of), threshold)


def marks(texts: pl.Series, threshold: float, of: pl.Series | None = None) -> Prints:
    """What `leaks` asks of each text; its `text` is a hash of the words, and of the question it answers."""
    plain = texts.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]+", "")
    text = plain.hash().to_numpy() ^ salts(of, texts.len())
    return dataclasses.replace(fingerprints(texts, threshold, SEED, of), text=text)


def leaks(texts: pl.Series | Aside, split: pl.Series, prints: Prints, threshold: float) -> dict[str, int]:
    """The same of texts that may lie on disk: only those that may be leaks are read."""
    train, test = ((split == name).arg_true().to_numpy() for name in ("train", "test"))
    exact = np.isin(prints.text[test], prints.text[train]).sum()
    rows = np.concatenate([train, test])
    pairs = candidates(prints.bands, rows)
    pairs = rows[pairs[(pairs[:, 0] < train.size) & (pairs[:, 1] >= train.size)]]
    near = similar(pairs, prints.minima, texts, threshold)
    return {"exact": int(exact), "near": int(np.unique(near[:, 1]).size)}
