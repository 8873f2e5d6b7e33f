"""A corpus made longer than it is: repeated, with other words, ids and groups each time, so that it is new text."""

from collections.abc import Iterator

import numpy as np
import polars as pl

SHARE = 0.5  # of words replaced in a repetition: at a quarter, every row would be a candidate near-duplicate of its kin


def repeated(corpus: pl.DataFrame, columns: dict[str, str], rows: int, seed: int = 1) -> Iterator[pl.DataFrame]:
    """Tables of together `rows` rows: the corpus (a sample of it, in its order, when it has more), then repetitions.

    columns: ours → the corpus's; the others are dropped. A repetition has "-<its number>" after ids and groups, and
    texts with SHARE of their words, one at least, replaced by words drawn from the corpus. Equal texts of the corpus
    stay equal within a repetition; otherwise no text comes twice.
    """
    names = list(dict.fromkeys(columns.values()))
    marked = [columns[one] for one in ("id", "group") if one in columns]
    corpus = corpus.select(pl.col(names)).with_columns(pl.col(marked).cast(pl.String)).drop_nulls(columns["text"])
    if rows < corpus.height:
        corpus = corpus[np.sort(np.random.default_rng(seed).choice(corpus.height, rows, replace=False))]
    yield corpus
    texts = corpus[columns["text"]].unique(maintain_order=True)
    pool = texts.str.split(" ").explode()
    pool = pool.filter(~pool.str.contains("[<>]") & (pool != ""))
    known = texts.hash().to_numpy()
    for number in range(1, -(-rows // corpus.height)):
        draw = np.random.default_rng([seed, number])
        new = altered(texts, pool, draw)
        while (again := np.isin(new.hash().to_numpy(), known) | ~new.is_first_distinct().to_numpy()).any():
            at = np.flatnonzero(again)
            new = new.scatter(at, new.gather(at) + " " + pool.gather(draw.integers(pool.len(), size=at.size)))
        known = np.concatenate([known, new.hash().to_numpy()])
        pairs = pl.DataFrame({columns["text"]: texts, "new": new})
        table = corpus.join(pairs, on=columns["text"], how="left", maintain_order="left")
        table = table.with_columns(pl.col("new").alias(columns["text"]), pl.col(marked) + f"-{number}").select(names)
        yield table.head(rows - number * corpus.height)


def altered(texts: pl.Series, pool: pl.Series, draw: np.random.Generator) -> pl.Series:
    """Each text with some words replaced by words of the pool; a part of a tag stays, for clean is to find tags."""
    parts = texts.str.split(" ")
    counts = parts.list.len().to_numpy().astype(np.int64)
    words = parts.explode()
    chosen = draw.random(words.len()) < SHARE
    chosen[np.cumsum(counts) - counts + draw.integers(counts)] = True
    chosen = pl.Series(chosen) & ~words.str.contains("[<>]")
    words = pl.select(pl.when(chosen).then(pool.gather(draw.integers(pool.len(), size=words.len()))).otherwise(words))
    rows = (
        words.to_series()
        .rename("word")
        .to_frame()
        .with_columns(row=pl.Series(np.repeat(np.arange(counts.size), counts)))
    )
    return rows.group_by("row", maintain_order=True).agg(pl.col("word").str.join(" "))["word"]
