"""How each format is read: an open file and the columns wanted in; batches of those columns, as text, out.

Each reader yields (columns found so far, batch). What cannot be read is among the batch's rejects, with its line and
reason; a file that is broken as a whole ends in an error of its library, which `file` turns into a refusal.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from stages.refusal import Refusal
from stages.sources import quoted
from stages.sources.batch import Batch, listed, texts
from stages.sources.lines import LINE, blocks

Batches = Iterator[tuple[list[str], Batch]]
ROWS = 8192  # rows of a parquet file read at once
KNOWN = 1000  # lines of a block whose keys are remembered, so that a refusal can name the columns there are


def _parquet(stream: BinaryIO, wanted: list[str], path: str) -> Batches:
    """A number becomes the shortest text that reads back the same: 10, 4.0, 0.1. A reject's line is its row, from 1."""
    table = pq.ParquetFile(stream)
    found = table.schema_arrow.names
    twice = [name for place, name in enumerate(found) if name in found[:place]]
    if twice:
        raise Refusal("each column named once", f"{listed(twice)} twice", path, "rename one of them")
    there = [name for name in wanted if name in found]
    for name in there:
        kind = table.schema_arrow.field(name).type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            shown = pl.from_arrow(pa.array([], kind)).dtype
            raise Refusal(
                f"text or numbers in column {name}", str(shown), path,
                "choose a column of plain values, or join its items",
            )  # fmt: skip
    yield found, Batch(0, texts({name: [] for name in there}), [])
    at = 1
    for batch in table.iter_batches(ROWS, columns=there, use_threads=False):
        rows, flaws = _as_text(batch)
        long = rows.select(pl.any_horizontal(pl.all().str.len_bytes() > LINE).fill_null(False)).to_series()
        flaws = dict.fromkeys(long.arg_true(), "line_too_long") | flaws
        yield found, _without(rows, at, flaws, lambda place, rows=rows: str(rows.row(place)))
        at += rows.height


def _as_text(batch: pa.RecordBatch) -> tuple[pl.DataFrame, dict[int, str]]:
    """Columns as text, and the rows that are none: parquet does not promise that its text is UTF-8."""
    columns, flaws = {}, {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                data = column.cast(pa.large_binary()).to_pylist()
                column = pa.array([cell and cell.decode("utf-8", "replace") for cell in data], pa.large_string())
                again = [cell and cell.encode() for cell in column.to_pylist()]
                flaws |= {place: "bad_encoding" for place, cell in enumerate(data) if cell != again[place]}
        columns[name] = pl.Series(name, pl.from_arrow(column)).cast(pl.String)
    return pl.DataFrame(columns), flaws


def _csv(stream: BinaryIO, wanted: list[str], path: str) -> Batches:
    return quoted.read(blocks(stream), wanted, path)


def _tskv(stream: BinaryIO, wanted: list[str], path: str) -> Batches:
    r"""Tab separated key=value. In a value `\n`, `\t`, `\r`, `\0`, `\=` and `\\` stand for the signs they name."""
    written, meant = ["\\\\", "\\n", "\\t", "\\r", "\\0", "\\="], ["\\", "\n", "\t", "\r", "\0", "="]
    patterns = {name: rf"(?:^|\t){pl.escape_regex(name)}=" for name in wanted}
    found = {}
    for block in blocks(stream):
        lines = pl.Series(block.texts, dtype=pl.String).str.strip_chars_end("\r").str.strip_prefix("tskv\t")
        keys = lines.head(KNOWN).str.extract_all(r"(?:^|\t)[^\t=]+=").explode().drop_nulls().str.strip_chars("\t=")
        found |= dict.fromkeys(keys.unique(maintain_order=True)) if len(found) < KNOWN else {}
        bad = ~lines.str.contains(r"^(?:[^\t=]+=[^\t]*(?:\t[^\t=]+=[^\t]*)*)?$")
        flaws = dict.fromkeys(bad.arg_true(), "bad_fields")
        for name, pattern in patterns.items():
            times = lines.str.count_matches(pattern)
            found |= {name: None} if times.max() else {}
            flaws |= dict.fromkeys((times > 1).arg_true(), "repeated_key")
        values = (lines.str.extract(rf"{pattern}([^\t]*)").alias(name) for name, pattern in patterns.items())
        rows = pl.DataFrame([value.str.replace_many(written, meant) for value in values])
        yield list(found), _without(rows, block.first, flaws | block.flaws, block.texts.__getitem__, lines == "")


def _jsonl(stream: BinaryIO, wanted: list[str], path: str) -> Batches:
    """One object a line; a number keeps the digits it is written with, half a surrogate pair becomes U+FFFD."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object)
    found = {}
    for block in blocks(stream):
        cells, flaws = [], dict(block.flaws)
        for place, line in enumerate(block.texts):
            row = {}
            if place not in flaws and line.strip():
                row, flaw = _row(decoder, line)
                flaws |= {place: flaw} if flaw else {}
            if not row.keys() <= found.keys() and len(found) < KNOWN:
                found |= dict.fromkeys(row)
            values = [row.get(name) for name in wanted]
            if any(isinstance(value, list | dict) for value in values):
                flaws[place] = "not_text"
                values = [None] * len(wanted)
            values = [str(value).lower() if isinstance(value, bool) else value for value in values]
            if "\\ud" in line.lower():
                values = [one and one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in values]
            cells.append(values)
        rows = texts({name: [row[i] for row in cells] for i, name in enumerate(wanted)})
        blank = pl.Series([not line.strip() for line in block.texts], dtype=pl.Boolean)
        yield list(found), _without(rows, block.first, flaws, block.texts.__getitem__, blank)


def _row(decoder: json.JSONDecoder, line: str) -> tuple[dict, str | None]:
    try:
        row = decoder.decode(line)
    except _Repeated:
        return {}, "repeated_key"
    except (json.JSONDecodeError, RecursionError):
        return {}, "bad_json"
    return (row, None) if isinstance(row, dict) else ({}, "bad_json")


class _Repeated(Exception):
    """A key twice in one object: which of the two is meant, nobody can say."""


def _object(pairs: list[tuple[str, object]]) -> dict:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _Repeated
    return row


def _without(rows: pl.DataFrame, first: int, flaws: dict[int, str], content, blank: pl.Series | None = None) -> Batch:
    """A batch of `rows` less those with a flaw and those of blank lines, which are no rows; content: place → text."""
    flawed = pl.int_range(rows.height, eager=True).is_in(list(flaws))
    blank = flawed & ~flawed if blank is None else blank & ~flawed
    rejects = [(first + place, flaw, content(place)) for place, flaw in sorted(flaws.items())]
    return Batch(rows.height - blank.sum(), rows.filter(~blank & ~flawed), rejects)


READERS = {"parquet": _parquet, "csv": _csv, "tskv": _tskv, "jsonl": _jsonl}
