"""A raw snapshot: written row group by row group, so that a corpus larger than memory passes through it.

Rows are grouped anew, ROWS at a time, so that equal rows give equal bytes however they came.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from stages.files import replacing

ROWS = 65_536  # rows of a row group


class Table:
    """A parquet file being written: `add` tables of its schema; `rows` counts them; `note` goes into its metadata."""

    def __init__(self, path: Path, schema: dict):
        self.schema, self.waiting, self.held, self.rows, self.note = schema, [], 0, 0, {}
        arrow = pl.DataFrame(schema=schema).to_arrow().schema
        self.writer = pq.ParquetWriter(path, arrow, compression="zstd")

    def add(self, table: pl.DataFrame) -> None:
        self.waiting.append(table.select(pl.col(name).cast(kind) for name, kind in self.schema.items()))
        self.rows += table.height
        self.held += table.height
        if self.held >= ROWS:
            self._write(whole=False)

    def close(self) -> None:
        self._write(whole=True)
        if self.note:
            self.writer.add_key_value_metadata(self.note)
        self.writer.close()

    def _write(self, whole: bool) -> None:
        table = pl.concat([pl.DataFrame(schema=self.schema), *self.waiting])
        end = table.height if whole else table.height // ROWS * ROWS
        for start in range(0, end, ROWS):
            group = table.slice(start, min(ROWS, end - start))
            self.writer.write_table(group.to_arrow().combine_chunks(), row_group_size=ROWS)
        self.waiting, self.held = [table.slice(end)], table.height - end


@contextmanager
def writing(*targets: tuple[str | Path, dict]) -> Iterator[list[Table]]:
    """A Table for each (path, schema), beside its target; all are renamed over their targets when the block ends well.

    Until then the targets stay as they were: a former snapshot may be read while the new one is written.
    """
    with ExitStack() as stack:
        tables = [Table(stack.enter_context(replacing(path)), schema) for path, schema in targets]
        try:
            yield tables
        except BaseException:
            for table in tables:
                table.writer.close()
            raise
        for table in tables:
            table.close()


def batches(path: str | Path) -> Iterator[pl.DataFrame]:
    """The rows of a snapshot, a row group at a time."""
    for batch in pq.ParquetFile(path).iter_batches(ROWS):
        yield pl.from_arrow(pa.Table.from_batches([batch]))


def note(path: str | Path, key: str) -> bytes | None:
    """What was noted in a snapshot's metadata under `key`; None where there is no such file, or nothing was noted."""
    try:
        return pq.read_metadata(path).metadata.get(key.encode()) if Path(path).is_file() else None
    except (pa.ArrowException, OSError):
        return None
