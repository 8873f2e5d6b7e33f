"""What a database or a data set hands over as Python values → text, and the rows that hold no text."""

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal

from stages.sources.batch import Batch, texts
from stages.sources.lines import LINE


def batch(columns: dict[str, Iterable], first: int, file: str) -> Batch:
    """Columns of values as a batch; a reject's line is its row, the first of these being `first`.

    A number becomes the shortest text that reads back the same, a moment its ISO 8601 form. Rejects: not_text (bytes,
    lists, mappings), bad_encoding (a surrogate, which is how a driver passes bytes that are no UTF-8), line_too_long.
    """
    rows = list(zip(*([text(cell) for cell in cells] for cells in columns.values()), strict=True))
    flaws = {place: flaw for place, row in enumerate(rows) if (flaw := next(filter(None, map(_flaw, row)), None))}
    kept = [row for place, row in enumerate(rows) if place not in flaws]
    rejects = [(first + place, flaw, _shown(rows[place])) for place, flaw in flaws.items()]
    return Batch(len(rows), texts({name: [row[i] for row in kept] for i, name in enumerate(columns)}), rejects, file)


def text(cell: object) -> object:
    """Text for what has one; anything else as it is.

    >>> text(4.0), text(True), text(Decimal("1E+2")), text(date(2026, 11, 21)), text([1])
    ('4.0', 'true', '100', '2026-11-21', [1])
    """
    if cell is None or isinstance(cell, str | bytes | bytearray | memoryview | list | tuple | set | dict):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _flaw(cell: object) -> str | None:
    if cell is None:
        return None
    if not isinstance(cell, str):
        return "not_text"
    if not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
        return "bad_encoding"
    return "line_too_long" if len(cell) > LINE else None


def _shown(row: tuple) -> str:
    return str(row).encode("utf-8", "replace").decode()
