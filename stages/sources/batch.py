"""What every source gives: batches of raw rows, and beside them what could not be read, each with its place and reason.

A row that was read is either among `rows` or among `rejects`: `read` counts them before they are judged, so that the
account can be checked.
"""

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from stages.refusal import Refusal
from stages.schema import RAW

REJECTS = {"file": pl.String, "line": pl.Int64, "reason": pl.String, "content": pl.String}
CONTENT = 2000  # characters kept of what could not be read: enough to know it again
NAMES = 30  # columns named in a refusal


class Batch(NamedTuple):
    """read: rows and rejects together. rows: a table. rejects: (line, reason, content), line from 1, of `file`."""

    read: int
    rows: pl.DataFrame
    rejects: list[tuple[int, str, str]]
    file: str = ""
    kept: bool = False  # of the former snapshot


def texts(columns: dict[str, list]) -> pl.DataFrame:
    """Lists of text or None as a table, typed even where all are None."""
    return pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in columns.items()])


def rejected(batch: Batch) -> pl.DataFrame:
    """The rejects of a batch as a table of REJECTS, their content cut to CONTENT characters.

    >>> rejected(Batch(1, texts({}), [(3, "bad_fields", "a,b")], "in.csv")).rows()
    [('in.csv', 3, 'bad_fields', 'a,b')]
    """
    rows = [(batch.file, line, reason, content[:CONTENT]) for line, reason, content in batch.rejects]
    return pl.DataFrame(rows, schema=REJECTS, orient="row")


def mapped(table: pl.DataFrame, columns: dict[str, str], first: int) -> pl.DataFrame:
    """The source's columns under our names, in the order of RAW; null where it has none, save `id`.

    columns: ours → the source's. first: the number of the table's first row, an id where the source has none.
    """
    absent = dict.fromkeys(RAW, pl.lit(None, pl.String))
    absent["id"] = (pl.int_range(pl.len()) + first).cast(pl.String)
    return table.select((pl.col(columns[name]) if name in columns else absent[name]).alias(name) for name in RAW)


def with_ids(batches: Iterator[Batch], address: str) -> Iterator[Batch]:
    """The same batches; refused at their end when some rows have no id."""
    nulls = total = 0
    for batch in batches:
        nulls, total = nulls + batch.rows["id"].null_count(), total + batch.rows.height
        yield batch
    if nulls:
        raise Refusal(
            "an id in every row", f"{nulls:,} of {total:,} rows without one", f"{address}.columns.id",
            "choose a column that is always filled, or drop columns.id: a row's number is its id then",
        )  # fmt: skip


def listed(names: list[str]) -> str:
    """Column names for a message: the first NAMES of them, in letters that any terminal can print."""
    shown = ", ".join(str(name).encode("utf-8", "replace").decode()[:80] for name in names[:NAMES])
    return (shown or "none") + (f" and {len(names) - NAMES:,} more" if len(names) > NAMES else "")
