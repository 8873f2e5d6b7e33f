"""Raw rows from files: parquet, csv, tskv (tab separated key=value, as Yandex writes it) or jsonl, plain or packed.

Values stay as the file has them: a number becomes its text, and what the file lacks is null.
"""

import difflib
import shutil
import tempfile
from collections.abc import Iterator

from stages.params import FileSource
from stages.refusal import Refusal
from stages.sources import addresses, packed
from stages.sources.batch import Batch, listed, mapped, with_ids
from stages.sources.formats import READERS


def read(settings: FileSource, address: str) -> Iterator[Batch]:
    """The rows of the files in order, as the raw table, in batches.

    address: of the settings in params.yaml, for refusals. Refuses a missing, empty, changed or broken file, a column
    that is not there or holds neither text nor numbers, and ids that are missing in some rows.
    """
    return with_ids(_read(settings, address), address)


def _read(settings: FileSource, address: str) -> Iterator[Batch]:
    columns = settings.columns.model_dump(exclude_none=True)
    first = 0
    for name, path in addresses.here(addresses.find(settings, address), settings, address):
        for batch in _batches(settings, columns, name, path, address):
            yield batch._replace(rows=mapped(batch.rows, columns, first), file=name)
            first += batch.rows.height


def _batches(settings: FileSource, columns: dict[str, str], name: str, path, address: str) -> Iterator[Batch]:
    """The batches of one file; refuses at its end a column that no row of it has."""
    wanted, found = list(dict.fromkeys(columns.values())), []
    try:
        with packed.Unpacked(path, name) as stream:
            if settings.format == "parquet":  # is read from its end
                with tempfile.TemporaryFile() as whole:
                    if stream.packed:
                        shutil.copyfileobj(stream, whole)
                        whole.seek(0)
                    readable = whole if stream.packed else stream.stream
                    for found, batch in READERS["parquet"](readable, wanted, name):
                        _require(columns, found, address)
                        yield batch
            else:
                for found, batch in READERS[settings.format](stream, wanted, name):
                    if settings.format == "csv":
                        _require(columns, found, address)
                    yield batch
    except packed.BROKEN as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        kind = "a readable parquet table" if settings.format == "parquet" else f"a readable {settings.format} file"
        raise Refusal(kind, what, name, "fetch the file again") from error
    _require(columns, found, address)


def _require(columns: dict[str, str], found: list[str], address: str) -> None:
    for ours, theirs in columns.items():
        if theirs not in found:
            close = difflib.get_close_matches(theirs, found, 1)
            hint = f"did you mean {close[0]}?" if close else "write one of the columns found"
            raise Refusal(f"a column {theirs}", listed(found), f"{address}.columns.{ours}", hint)
