"""What the workers of a Ray cluster do with the rows of clean: Arrow tables in, Arrow tables out.

Any cut of the rows into tables gives the same, as long as rows of one `part` come together where a function says so.
"""

import json

import numpy as np
import polars as pl
import pyarrow as pa

from stages import minhash, params
from stages import rows as of_row
from stages.duplicates import Prints, fingerprints
from stages.duplicates import repeats as repeated
from stages.engines.ray_data import arrow
from stages.leakage import marks
from stages.rows import PLAIN
from stages.schema import CLEAN, RAW

Table = pa.Table


def scrub(table: Table, rules: params.Clean) -> Table:
    """Raw rows → what they say by themselves, beside them; `told` of a block's first row says what was changed."""
    raw = pl.from_arrow(table)
    said = of_row.scrub(raw, rules)
    told = pl.Series("told", [json.dumps(said[1:])], pl.String).extend_constant(None, max(0, raw.height - 1))
    texts = said.rows.select(pl.when(pl.col("reason").is_null()).then("text").otherwise(pl.lit(""))).to_series()
    plain = said.rows.select(*PLAIN).rename({"rating": "stars"}).with_columns(texts.alias("text"))
    rows = raw.with_columns(*plain, said.rows["language"], said.rows["reason"], told.head(raw.height))
    return _with_prints(rows, fingerprints(texts, rules.near_duplicate, of=plain["question"]))


def single(table: Table, parts: int) -> Table:
    """The rows without a reason yet; those of the same words have the same part."""
    rows = pl.from_arrow(table.select(["row", "stars", "reason", "hash", "words", "chars"]))
    rows = rows.filter(pl.col("reason").is_null()).with_columns((pl.col("words") % parts).cast(pl.Int64).alias("part"))
    return arrow(rows.drop("reason"))


def repeats(table: Table) -> Table:
    """Of all rows of some words those that go, and why."""
    rows = pl.from_arrow(table).sort("row")
    reason = repeated(*(rows[name].to_numpy() for name in ("hash", "words", "chars")), rows["stars"])
    return arrow(rows.select("row", reason.alias("reason")).drop_nulls())


def banded(table: Table, place: np.ndarray, parts: int) -> Table:
    """A row for each band of the rows that have a place; those of the same hash have the same part."""
    at = place[table["row"].to_numpy()]
    bands = _wide(table["bands"], np.uint32)[at >= 0]
    at = at[at >= 0]
    number = np.tile(np.arange(bands.shape[1], dtype=np.uint8), at.size)
    part = (bands.ravel() % np.uint32(parts)).astype(np.int64)
    return pa.table({"part": part, "place": np.repeat(at, bands.shape[1]), "band": number, "hash": bands.ravel()})


def candidates(table: Table) -> Table:
    """Pairs of places that share a band, of all rows of some hashes."""
    rows = pl.from_arrow(table).sort("band", "place")
    found = [np.empty((0, 2), np.int64)]
    for band in rows.partition_by("band"):
        found.append(band["place"].to_numpy()[minhash.candidates([band["hash"].to_numpy()], np.arange(band.height))])
    return _pairs(np.concatenate(found))


def needed(table: Table, place: np.ndarray, both: np.ndarray) -> Table:
    """A row for each cell that needs it. both: (place, cell), sorted."""
    at = place[table["row"].to_numpy()]
    first, last = (np.searchsorted(both[:, 0], at, side) for side in ("left", "right"))
    times = np.where(at < 0, 0, last - first)
    which = np.repeat(np.arange(at.size), times)
    nth = np.arange(which.size) - np.repeat(np.cumsum(times) - times, times)
    asked = table.select(["text", "minima"]).take(which)
    return asked.append_column("part", [both[first[which] + nth, 1]]).append_column("place", [at[which]])


def similar(table: Table, of_cell: list[np.ndarray], threshold: float) -> Table:
    """Of the pairs of places of one cell those that are near-duplicates."""
    table = table.sort_by("place")
    pairs, places = of_cell[table["part"][0].as_py()], table["place"].to_numpy()
    texts = pl.from_arrow(table["text"])
    here = np.searchsorted(places, pairs)
    return _pairs(places[minhash.similar(here, _wide(table["minima"], np.uint16), texts, threshold)])


def finish(table: Table, stays: np.ndarray, split: params.Split, threshold: float) -> Table:
    """The rows that stay, as the clean table has them, with what leakage is measured by. stays: of every row."""
    rows = pl.from_arrow(table.select(["row", "stars", "mark", *RAW]))
    rows = rows.filter(pl.Series(stays[rows["row"].to_numpy()], dtype=pl.Boolean))
    kept = of_row.finish(rows.select(list(RAW)), rows.drop("rating").rename({"stars": "rating"}), split)
    return _with_prints(kept.select(rows["row"], *CLEAN), marks(kept["text"], threshold, kept["question"]))


def heard(table: Table, parts: int) -> Table:
    """What each row says; those that say the same have the same part."""
    rows = pl.from_arrow(table.select(["row", "split", "hash"]))
    return arrow(rows.with_columns((pl.col("hash") % parts).cast(pl.Int64).alias("part")))


def given_away(table: Table) -> Table:
    """The test rows that say what a training row says, of all rows that say some things."""
    rows = pl.from_arrow(table)
    train, test = (rows.filter(split=name) for name in ("train", "test"))
    return arrow(test.join(train, on="hash", how="semi").select("row"))


def _with_prints(rows: pl.DataFrame, prints: Prints) -> Table:
    """The rows beside the prints of their texts; minima and bands as bytes, of a width that Arrow knows."""
    table = arrow(rows.with_columns(hash=prints.text, words=prints.words, chars=prints.chars))
    for name, array in (("minima", prints.minima), ("bands", prints.bands)):
        width = array.shape[1] * array.itemsize
        if width:
            column = pa.Array.from_buffers(pa.binary(width), len(array), [None, pa.py_buffer(array.tobytes())])
            table = table.append_column(name, column)
    return table


def _wide(column: pa.ChunkedArray, kind: type) -> np.ndarray:
    """The array, (rows, width), that `_with_prints` wrote as bytes."""
    column = column.combine_chunks()
    size = column.type.byte_width
    whole = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * size : (column.offset + len(column)) * size]
    return whole.view(kind).reshape(len(column), size // np.dtype(kind).itemsize)


def _pairs(pairs: np.ndarray) -> Table:
    return pa.table({"one": pairs[:, 0], "other": pairs[:, 1]})
