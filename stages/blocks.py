"""Tables and arrays larger than memory: rows of a parquet file block by block, and what is put aside on disk.

Nothing here depends on how rows are cut into blocks: the same rows give the same bytes.
"""

import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars.io.plugins import register_io_source

from stages import schema
from stages.files import replacing
from stages.refusal import Refusal
from stages.schema import GROUP


class Source:
    """The rows of a parquet table, at most `block` at a time, as often as it is iterated; `rows` counts them.

    Refuses at once what schema.read refuses, and torn data where it is met.
    """

    def __init__(self, path: str | Path, columns: dict, block: int):
        try:
            held = pl.read_parquet_schema(path)
        except (pl.exceptions.PolarsError, OSError):
            held = {}
        if any(held.get(name) != kind for name, kind in columns.items()):
            schema.read(path, columns)  # which says what is wrong
        self.path, self.columns, self.block = path, columns, block
        self.rows = pq.read_metadata(path).num_rows

    def __iter__(self) -> Iterator[pl.DataFrame]:
        try:
            for batch in pq.ParquetFile(self.path, pre_buffer=False).iter_batches(
                self.block, columns=list(self.columns)
            ):
                yield pl.from_arrow(pa.Table.from_batches([batch])).select(list(self.columns))
        except (pa.ArrowException, OSError) as error:
            found = str(error).splitlines()[0]
            todo = "delete the file and run `dvc repro`"
            raise Refusal("a readable parquet table", found, str(self.path), todo) from error

    def scan(self) -> pl.LazyFrame:
        """The same for a query that streams: less is read ahead than Polars does from a file."""
        return register_io_source(lambda *_: iter(self), schema=self.columns)

    def gather(self, rows: np.ndarray) -> pl.DataFrame:
        """Some rows, whose numbers ascend; reads no block for none."""
        found, first = [pl.DataFrame(schema=self.columns)], 0
        for block in self if rows.size else ():
            low, high = np.searchsorted(rows, [first, first + block.height])
            found.append(block[rows[low:high] - first])
            first += block.height
        return pl.concat(found)


class Aside:
    """Blocks of a table put aside in a folder of their own; read back in their order, or some rows' texts."""

    def __init__(self, folder: Path, columns: dict):
        folder.mkdir()
        self.folder, self.columns, self.ends = folder, columns, [0]

    @property
    def rows(self) -> int:
        return self.ends[-1]

    def add(self, block: pl.DataFrame) -> None:
        """Python writes the bytes: Polars reports a full disk as an error in the data."""
        arrow = io.BytesIO()
        self._cast(block).write_ipc(arrow)
        self._path(len(self.ends) - 1).write_bytes(arrow.getbuffer())
        self.ends.append(self.rows + block.height)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for n in range(len(self.ends) - 1):
            yield pl.read_ipc(self._path(n))

    def read(self) -> pl.DataFrame:
        """All rows, in one piece: then schema.write too gives the same bytes however they were cut."""
        return pl.concat([pl.DataFrame(schema=self.columns), *self], rechunk=True)

    def gather(self, rows: np.ndarray) -> pl.Series:
        """The texts of some rows, whose numbers ascend."""
        texts, cuts = [pl.Series("text", dtype=pl.String)], np.searchsorted(rows, self.ends)
        for n, block in enumerate(self):
            texts.append(block["text"].gather(rows[cuts[n] : cuts[n + 1]] - self.ends[n]))
        return pl.concat(texts)

    def write(self, path: str | Path) -> None:
        """Write all rows as one parquet table."""
        parts = [self._path(n) for n in range(len(self.ends) - 1)]
        sink(pl.scan_ipc(parts) if parts else pl.LazyFrame(schema=self.columns), path)

    def _cast(self, block: pl.DataFrame) -> pl.DataFrame:
        return block.select(pl.col(name).cast(kind) for name, kind in self.columns.items())

    def _path(self, n: int) -> Path:
        return self.folder / f"{n}.arrow"


class Array:
    """An array on disk, (rows, width): appended to, and mapped into memory only while some rows are taken."""

    def __init__(self, path: Path, dtype: type, width: int = 1):
        self.path, self.dtype, self.shape = path, dtype, (-1, width) if width > 1 else (-1,)
        path.write_bytes(b"")

    def add(self, values: np.ndarray) -> None:
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(values, self.dtype).tobytes())

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        whole = np.memmap(self.path, self.dtype, "r") if self.path.stat().st_size else np.empty(0, self.dtype)
        return np.array(whole.reshape(self.shape)[rows])


def sink(table: pl.LazyFrame, path: str | Path) -> None:
    """Write a table that may be larger than memory as parquet: the bytes of schema.write."""
    with replacing(path) as beside:
        try:
            table.sink_parquet(beside, compression="zstd", row_group_size=GROUP)
        except (OSError, pl.exceptions.PolarsError) as error:
            said = re.search(r"os error (\d+)", str(error))
            if not said:
                raise
            raise OSError(int(said[1]), os.strerror(int(said[1])), str(path)) from error


@contextmanager
def beside(target: str | Path) -> Iterator[Path]:
    """A folder on the disk of `target` for what is needed a while; it goes with the block's end, whatever ends it."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".partial", dir=target.parent) as folder:
        yield Path(folder)
