"""Raw rows from a local file: parquet, csv, tskv (tab separated key=value, as Yandex writes it) or jsonl.

Values stay as the file has them: a number becomes its text, and what the file lacks is null.
"""

import difflib
import hashlib
from pathlib import Path

import polars as pl

from stages.params import FileSource
from stages.refusal import Refusal
from stages.schema import RAW
from stages.sources.formats import READERS
from stages.splits import fraction


def read(settings: FileSource, seed: int, address: str) -> pl.DataFrame:
    """The rows of a file as the raw table; with `sample`, that many of them, in the file's order.

    address: of the settings in params.yaml, for refusals. Refuses a missing, empty, changed or broken file, a column
    that is not there or holds neither text nor numbers, and ids that are missing in some rows.
    """
    path = Path(settings.path)
    _check(path, settings.sha256, address)
    columns = settings.columns.model_dump(exclude_none=True)
    table, found = READERS[settings.format](path, list(dict.fromkeys(columns.values())))
    for ours, theirs in columns.items():
        if theirs not in found:
            close = difflib.get_close_matches(theirs, found, 1)
            hint = f"did you mean {close[0]}?" if close else "write one of the columns found"
            raise Refusal(f"a column {theirs}", ", ".join(found) or "none", f"{address}.columns.{ours}", hint)
    if not table.height:
        raise Refusal("rows", "a file without any", str(path), "fetch the file again")
    absent = dict.fromkeys(RAW, pl.lit(None, pl.String)) | {"id": pl.int_range(pl.len()).cast(pl.String)}
    rows = table.select((pl.col(columns[name]) if name in columns else absent[name]).alias(name) for name in RAW)
    nulls = rows["id"].null_count()
    if nulls:
        raise Refusal(
            "an id in every row", f"{nulls:,} of {rows.height:,} rows without one", f"{address}.columns.id",
            "choose a column that is always filled, or drop columns.id: a row's number is its id then",
        )  # fmt: skip
    return rows if settings.sample is None else _sample(rows, settings.sample, seed)


def _check(path: Path, sha256: str | None, address: str) -> None:
    """Refuse a file that is not there, holds nothing, or is not the one that was pinned."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise Refusal("a file of reviews", found, str(path), f"put the file there, or correct {address}.path")
    if not path.stat().st_size:
        raise Refusal("a file of reviews", "an empty file", str(path), "fetch the file again")
    if sha256:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != sha256:
            raise Refusal(
                f"sha256 {sha256}", f"sha256 {digest}", f"{path}; {address}.sha256",
                "fetch the pinned file again; if the new one is meant, write its sha256",
            )  # fmt: skip


def _sample(rows: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """`most` rows by a hash of id and seed, so that a longer file keeps most of the same ones."""
    order = pl.DataFrame({"order": fraction(rows["id"], f"sample {seed}")}).with_row_index("row")
    return rows[order.sort("order", "row").head(most)["row"].sort()]
