"""Keywords found on the machines of a Ray cluster: keywords.stream, its functions and its answers.

Each block is analysed where it lies. The one shuffle is by candidate, which is counted where its copies meet; what is
weighed comes to the driver, and from there to every worker.
"""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from stages import candidates, keywords
from stages.engines.ray_data import arrow, connect, cpus, gathered, grouped, mapped, ray, tables
from stages.lemmas import Words

PARTS = 4  # of the shuffle, for each CPU of the cluster
ASKED = {"text": pl.String, "rubrics": pl.String, "fit": pl.Boolean}
WEIGHTS = {"first": pl.String, "last": pl.String, "idf": pl.Float64}
Table = pa.Table


def stream(
    blocks: Iterable[pl.DataFrame], folder: Path, language: str, most: int, max_share: float, *, fewest: int,
    phrases: bool, workers: int,
) -> Iterator[pl.Series]:  # fmt: skip
    """Keywords of each row, a series for each block. Neither the folder nor `workers` is needed: Ray has its own."""
    connect()
    refs, heights, total = [], [], 0
    for block in blocks:
        refs.append(ray.put(arrow(block.select(pl.col(name).cast(kind) for name, kind in ASKED.items()))))
        heights.append(block.height)
        total += int(block["fit"].sum())
    if not refs:
        return
    said = mapped(ray.data.from_arrow_refs(refs), survey, language, phrases).materialize()
    weighed = grouped(mapped(said, counted, PARTS * cpus()), weigh, fewest, max_share * total, total)
    weights = ray.put(arrow(gathered(weighed, WEIGHTS)))  # Polars' own way of being sent was seen to hang
    rest = pl.Series("keywords", [], pl.List(pl.String))
    for part in tables(mapped(said, choose, weights, most)):
        rest = pl.concat([rest, part["keywords"]])
        while heights and rest.len() >= heights[0]:
            yield rest.head(heights[0])
            rest = rest.slice(heights.pop(0))


@functools.cache
def _words(language: str) -> Words:
    """The word forms that this worker has met: what it knows of them outlives a block."""
    return Words(language, 1)


def survey(table: Table, language: str, phrases: bool) -> Table:
    """Of each row: fit; its lemmas in order, said; and of each candidate its place, its two lemmas and whether it says
    more than the rubrics: at, first ("" for a single lemma), last, own. Lists all.
    """
    rows, words = pl.from_arrow(table), _words(language)
    tokens = words.read(rows["text"])
    found = candidates.find(tokens, phrases).sort("row", "at", "key")
    own = candidates.own(found, candidates.of_rubrics(words, rows["rubrics"])).select("row", "at", "key", own=True)
    found = found.join(own, on=["row", "at", "key"], how="left", maintain_order="left")
    names = words.names()
    lists = {
        "said": (tokens, names.gather(tokens["lemma"])),
        "at": (found, found["at"]),
        "first": (found, names.gather(found["key"] // candidates.PAIR)),
        "last": (found, names.gather(found["key"] % candidates.PAIR)),
        "own": (found, found["own"].fill_null(False)),
    }
    made = {name: _listed(of["row"], values, rows.height) for name, (of, values) in lists.items()}
    return pa.table({"fit": rows["fit"].to_arrow(), **made})


def counted(table: Table, parts: int) -> Table:
    """A row for each candidate of each row to fit on; equal ones have the same part."""
    rows = pl.from_arrow(table.select(["fit", "first", "last"])).with_row_index("row").filter("fit").drop("fit")
    pairs = rows.explode("first", "last").drop_nulls().unique().drop("row")
    part = (pairs.select(pl.struct("first", "last").hash()).to_series() % parts).cast(pl.Int64)
    return arrow(pairs.with_columns(part.alias("part")))


def weigh(table: Table, fewest: int, most: float, total: int) -> Table:
    """The inverse document frequency of the candidates in at least `fewest` and at most `most` rows."""
    counts = pl.from_arrow(table).group_by("first", "last").len("rows")
    fits = counts.filter(pl.col("rows").is_between(fewest, most))
    return arrow(fits.select("first", "last", idf=((1 + total) / pl.col("rows")).log()))


def choose(table: Table, weights: Table, most: int) -> Table:
    """The keywords of each row."""
    rows = pl.from_arrow(table).with_row_index("row")
    tokens = rows.select("row", word="said").explode("word").drop_nulls()
    words = tokens["word"].unique(maintain_order=True)
    names = pl.concat([pl.Series([""]), words.filter(words != "")])  # 0 is no lemma, as in lemmas.Words
    number = pl.DataFrame({"word": names}).with_row_index("number")

    def numbered(of: pl.DataFrame) -> pl.DataFrame:
        for side in ("first", "last"):
            of = of.join(number.rename({"word": side, "number": f"{side}_number"}), on=side, how="inner",
                         maintain_order="left")  # fmt: skip
        key = pl.col("first_number").cast(pl.UInt64) * candidates.PAIR + pl.col("last_number").cast(pl.UInt64)
        return of.with_columns(key=key)

    found = rows.select("row", "at", "first", "last", "own").explode("at", "first", "last", "own").drop_nulls()
    found = numbered(found.filter("own")).select("row", "at", "key")
    tokens = tokens.join(number, on="word", maintain_order="left").select("row", lemma="number")
    weighed = numbered(pl.from_arrow(weights)).select("key", "idf")
    return arrow(keywords.choose(found, tokens, weighed, names, most, rows.height).to_frame())


def _listed(row: pl.Series, values: pl.Series, rows: int) -> pa.Array:
    """The values as one list for each of `rows` rows; row: whose each value is, ascending."""
    ends = np.searchsorted(row.to_numpy(), np.arange(rows + 1)).astype(np.int32)
    whole = values.to_frame("v").to_arrow(compat_level=pl.CompatLevel.oldest())["v"].combine_chunks()
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), whole)
