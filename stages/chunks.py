"""Tables of anybody's, csv, jsonl or parquet: read a chunk at a time, written in the same format with columns added.

A chunk keeps its rows as the file has them, so that what is written differs from it by the new columns alone. Parts are
written one by one and joined in the end: a table is never held in memory.
"""

import codecs
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from stages.refusal import Refusal

LINE = 2**24  # bytes of a line of jsonl, characters of a field of csv: above it the file is not of rows
ADDED = {"answer": pa.string(), "confidence": pa.float64(), "error": pa.string()}


class Chunk(NamedTuple):
    """rows: column → value, of the wanted columns at least. flaws: row → what is wrong with it as a row.

    raw: what is to be written again.
    """

    rows: list[dict]
    flaws: dict[int, str]
    raw: object
    share: float  # of the file that has been read


class Csv:
    """Commas, a header, UTF-8; all values are text. Bytes that are no UTF-8 come out as they went in.

    A byte order mark is dropped. What a row has beyond the header stands in its last column, between commas.
    """

    def __init__(self, path: Path):
        self.path = path
        csv.field_size_limit(LINE)
        with self._open() as file:
            self.columns = next(self._records(file), [])
        if not any(self.columns):
            raise Refusal(
                "a csv file with a header", "an empty first line", str(path), "write the columns' names there"
            )
        _once(self.columns, path)

    def _open(self):
        return self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")

    def chunks(self, size: int, wanted: set[str] | None = None) -> Iterator[Chunk]:
        width, whole = len(self.columns), max(1, self.path.stat().st_size)
        with self._open() as file:
            reader, records = self._records(file), []
            next(reader)
            for record in reader:
                if not record:
                    continue  # a blank line is no row
                records.append(record)
                if len(records) == size:
                    yield self._chunk(records, width, file.buffer.tell() / whole)
                    records = []
            if records:
                yield self._chunk(records, width, 1.0)

    def _records(self, file) -> Iterator[list[str]]:
        """The records, header first. Strict, for a quote that is not closed would swallow the rows behind it."""
        reader = csv.reader(file, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                raise Refusal("a csv file", str(error), f"{self.path}, line {line}",
                              "mend it: look for a quote that is not closed") from error  # fmt: skip
            if record is None:
                return
            yield record

    def _chunk(self, records: list[list[str]], width: int, share: float) -> Chunk:
        flaws = {at: f"no row: {len(one)} fields where the header has {width}" for at, one in enumerate(records)
                 if len(one) != width}  # fmt: skip
        rows = [dict(zip(self.columns, one, strict=False)) for one in records]
        last = width - 1
        raw = [[*(one + [""] * width)[:last], ",".join(one[last:])] for one in records]
        return Chunk(rows, flaws, raw, share)

    def write(self, path: Path, chunk: Chunk, added: dict[str, list]) -> None:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            told = zip(*added.values(), strict=True)
            _writer(file).writerows(
                [*own, *("" if one is None else one for one in more)]
                for own, more in zip(chunk.raw, told, strict=True)
            )  # fmt: skip

    def join(self, parts: list[Path], path: Path, added: list[str]) -> None:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            _writer(file).writerow([*self.columns, *added])
        _append(parts, path)


class Jsonl:
    """An object a line, UTF-8; blank lines are no rows. A line that is no object comes out under `line`.

    A line is kept to the byte, with the added values at its end.
    """

    columns: tuple[str, ...] = ()  # each row has its own

    def __init__(self, path: Path):
        self.path = path

    def chunks(self, size: int, wanted: set[str] | None = None) -> Iterator[Chunk]:
        whole, raw = max(1, self.path.stat().st_size), []
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(LINE + 1):
                number += 1
                if len(line) > LINE:
                    raise Refusal(f"lines of at most {LINE:,} bytes", "a longer one", f"{self.path}, line {number}",
                                  "write one object a line")  # fmt: skip
                if line.strip():
                    raw.append(line)
                if len(raw) == size:
                    yield self._chunk(raw, file.tell() / whole)
                    raw = []
        if raw:
            yield self._chunk(raw, 1.0)

    def _chunk(self, lines: list[bytes], share: float) -> Chunk:
        rows, flaws, raw = [], {}, []
        for at, line in enumerate(lines):
            try:
                row = json.loads(line.decode("utf-8-sig"))
                if not isinstance(row, dict):
                    raise ValueError("not a JSON object")
                if taken := [name for name in ADDED if name in row]:
                    raise ValueError(f"it has {', '.join(taken)} already; rename that")
            except (ValueError, RecursionError) as error:
                row = {"line": line.decode("utf-8", "replace").rstrip("\r\n")}
                flaws[at] = f"no row: {str(error)[:100]}"
                line = _json(row)
            rows.append(row)
            raw.append(line.removeprefix(codecs.BOM_UTF8).strip())
        return Chunk(rows, flaws, raw, share)

    def write(self, path: Path, chunk: Chunk, added: dict[str, list]) -> None:
        with path.open("wb") as file:
            for own, more in zip(chunk.raw, zip(*added.values(), strict=True), strict=True):
                head = own[:-1].rstrip()
                told = _json(dict(zip(added, more, strict=True)))
                file.write(head + (b", " if head != b"{" else b"") + told[1:] + b"\n")

    def join(self, parts: list[Path], path: Path, added: list[str]) -> None:
        path.write_bytes(b"")
        _append(parts, path)


def _json(row: dict) -> bytes:
    try:
        return json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(row).encode()


class Parquet:
    """Columns of any type stay as they are, read alone where they are wanted; a part becomes a row group."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise Refusal(
                "a readable parquet table", str(error).splitlines()[0], str(path), "fetch it again"
            ) from error
        self.columns = self.schema.names
        _once(self.columns, path)

    def chunks(self, size: int, wanted: set[str] | None = None) -> Iterator[Chunk]:
        with pq.ParquetFile(self.path) as file:
            whole, done = max(1, file.metadata.num_rows), 0
            for batch in file.iter_batches(size, use_threads=False):
                done += batch.num_rows
                values = {name: _values(batch.column(name)) for name in self.columns if not wanted or name in wanted}
                rows = [dict(zip(values, one, strict=True)) for one in zip(*values.values(), strict=True)]
                yield Chunk(rows, {}, batch, done / whole)

    def _schema(self, added) -> pa.Schema:
        fields = [pa.field(name, ADDED[name]) for name in added]
        return pa.schema([*self.schema, *fields], metadata=self.schema.metadata)

    def write(self, path: Path, chunk: Chunk, added: dict[str, list]) -> None:
        more = [pa.array(values, ADDED[name]) for name, values in added.items()]
        table = pa.Table.from_arrays([*chunk.raw.columns, *more], schema=self._schema(added))
        pq.write_table(table, path, compression="zstd")

    def join(self, parts: list[Path], path: Path, added: list[str]) -> None:
        with pq.ParquetWriter(path, self._schema(added), compression="zstd") as writer:
            for part in parts:
                writer.write_table(pq.ParquetFile(part).read())


def _values(column: pa.Array) -> list:
    """A column as Python's values."""
    try:
        return column.to_pylist()
    except Exception:  # whatever a type of its own raises: text that is no UTF-8, a time that Python does not reach
        return [_value(cell) for cell in column]


def _value(cell: pa.Scalar) -> object:
    """Text that is no UTF-8 as such; bytes, which nobody asks for, where there is no value."""
    try:
        return cell.as_py()
    except Exception:
        text = isinstance(cell, pa.BinaryScalar)
        return cell.as_buffer().to_pybytes().decode("utf-8", "surrogateescape") if text else b""


class _Lines:
    """A file whose lines end in \\n, for a writer told \\r\\n, since one told \\n leaves a lone \\r unquoted."""

    def __init__(self, file):
        self.file = file

    def write(self, line: str) -> None:
        self.file.write(line.removesuffix("\r\n") + "\n")


def _writer(file):
    return csv.writer(_Lines(file), lineterminator="\r\n")


def _append(parts: list[Path], path: Path) -> None:
    with path.open("ab") as file:
        for part in parts:
            with part.open("rb") as one:
                shutil.copyfileobj(one, file)


def _once(columns: list[str], path: Path) -> None:
    twice = [name for place, name in enumerate(columns) if name in columns[:place]]
    if twice:
        raise Refusal("each column named once", f"{', '.join(twice)} twice", str(path), "rename one of them")
    if taken := [name for name in ADDED if name in columns]:
        raise Refusal(f"no column called {', '.join(ADDED)}, which are added", ", ".join(taken), str(path), "rename it")


FORMATS = {".csv": Csv, ".jsonl": Jsonl, ".parquet": Parquet}


def table(path: Path) -> Csv | Jsonl | Parquet:
    """The file as a table, by its ending. Refuses a missing file, another ending, and a header that cannot be."""
    if path.suffix not in FORMATS:
        raise Refusal(f"a file that ends in {', '.join(FORMATS)}", path.name, str(path), "convert or rename it")
    if not path.is_file():
        raise Refusal("a file", "no such file", str(path), "correct the path")
    return FORMATS[path.suffix](path)
