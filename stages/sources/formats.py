"""How each file format is read: its path and the columns wanted in; those that there are, as text, and all names out.

A line that cannot be read is refused with its number, since a row skipped in silence is a row lost.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from stages.refusal import Refusal


def _parquet(path: Path, wanted: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """A number becomes the shortest text that reads back the same: 10, 4.0, 0.1."""
    try:
        found = list(pl.read_parquet_schema(path))
        table = pl.read_parquet(path, columns=[name for name in wanted if name in found], glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        what = str(error).splitlines()[0]
        raise Refusal("a readable parquet table", what, str(path), "fetch the file again") from error
    for name, kind in table.schema.items():
        if kind.is_nested() or kind == pl.Binary:
            raise _no_text(name, str(kind), str(path))
    return table.cast(pl.String), found


def _csv(path: Path, wanted: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """Quoted fields may hold commas and line breaks; every row must have as many fields as the header."""
    csv.field_size_limit(2**31 - 1)  # the module's own limit, 128 KiB, is less than a review may have
    reader = csv.reader(_lines(path), strict=True)
    rows = []
    try:
        found = next(reader, [])
        places = {name: found.index(name) for name in wanted if name in found}
        for fields in filter(None, reader):
            if len(fields) != len(found):
                raise _broken(path, reader.line_num, f"{len(found)} fields as in the header", f"{len(fields)} fields")
            rows.append([fields[place] or None for place in places.values()])
    except csv.Error as error:
        raise _broken(path, reader.line_num, "a csv row", str(error)) from error
    return _table(rows, list(places)), found


def _tskv(path: Path, wanted: list[str]) -> tuple[pl.DataFrame, list[str]]:
    r"""In a value `\n`, `\t`, `\r`, `\0`, `\=` and `\\` stand for the signs they name."""
    lines = pl.Series(_lines(path), dtype=pl.String).str.strip_chars_end("\r\n").str.strip_prefix("tskv\t")
    bad = (~lines.str.contains(r"^(?:[^\t=]+=[^\t]*(?:\t[^\t=]+=[^\t]*)*)?$")).arg_true()
    if bad.len():
        raise _broken(path, bad[0] + 1, "key=value fields between tabs", repr(lines[bad[0]][:60]))
    lines = lines.filter(lines != "")
    written, meant = ["\\\\", "\\n", "\\t", "\\r", "\\0", "\\="], ["\\", "\n", "\t", "\r", "\0", "="]
    values = (lines.str.extract(rf"(?:^|\t){pl.escape_regex(name)}=([^\t]*)").alias(name) for name in wanted)
    table = pl.DataFrame([value.str.replace_many(written, meant) for value in values])
    if all(table[name].null_count() < table.height for name in wanted):
        return table, wanted
    keys = lines.str.extract_all(r"(?:^|\t)[^\t=]+").explode().str.strip_chars("\t")  # slow: for a refusal alone
    return table, keys.unique(maintain_order=True).to_list()


def _jsonl(path: Path, wanted: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """One object a line; a number keeps the digits it is written with."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    rows, found = [], {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise _broken(path, number, "one JSON object", str(error)) from error
        if not isinstance(row, dict):
            raise _broken(path, number, "one JSON object", f"a {type(row).__name__}")
        if not row.keys() <= found.keys():
            found |= dict.fromkeys(row)
        values = [row.get(name) for name in wanted]
        nested = next((name for name, one in zip(wanted, values, strict=True) if isinstance(one, (list, dict))), None)
        if nested is not None:
            raise _no_text(nested, type(row[nested]).__name__, f"{path}, line {number}")
        rows.append([str(one).lower() if isinstance(one, bool) else one for one in values])
        if "\\ud" in line.lower():  # half a surrogate pair is no text: it becomes U+FFFD, which clean rejects
            rows[-1] = [one and one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in rows[-1]]
    return _table(rows, wanted), list(found)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, with their ends, without a byte order mark."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise _broken(path, number, "UTF-8 text", f"byte {line[error.start]:#04x}") from error


def _table(rows: list[list], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series([row[i] for row in rows], dtype=pl.String) for i, name in enumerate(names)})


def _broken(path: Path, line: int, expected: str, found: str) -> Refusal:
    return Refusal(expected, found, f"{path}, line {line}", "mend that line, or fetch the file again")


def _no_text(name: str, kind: str, where: str) -> Refusal:
    return Refusal(
        f"text or numbers in column {name}", kind, where, "choose a column of plain values, or join its items"
    )


READERS = {"parquet": _parquet, "csv": _csv, "tskv": _tskv, "jsonl": _jsonl}
