"""How far a source was read: the highest watermark of a snapshot, kept in the snapshot's own metadata.

Beside it stands a digest of what was asked (settings, query, which database): where that changed, the former rows are
no part of the answer any more, and a collect starts anew.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from stages.refusal import Refusal
from stages.sources import snapshot

KEY = "reviewmill.watermark"
KINDS = {"int": int, "float": float, "str": str, "Decimal": Decimal}
KINDS |= {"datetime": datetime.fromisoformat, "date": date.fromisoformat}


def seen(path: str | Path, asked: str) -> object | None:
    """The highest watermark of the snapshot at `path`; None where there is none, or where something else was asked."""
    told = snapshot.note(path, KEY)
    mark = json.loads(told) if told else {}
    return KINDS[mark["kind"]](mark["value"]) if mark.get("asked") == asked else None


def note(highest: object, asked: str, address: str) -> dict[str, str]:
    """The metadata that says so; refuses a column that cannot be a watermark, such as one of booleans or lists."""
    kind = type(highest).__name__
    if kind not in KINDS:
        raise Refusal(
            "a watermark of numbers, moments or text, in at least one row", "none" if highest is None else kind,
            f"{address}.watermark", "choose a column that grows with each row, such as its id or when it was written",
        )  # fmt: skip
    value = highest.isoformat() if isinstance(highest, date) else str(highest)
    return {KEY: json.dumps({"kind": kind, "value": value, "asked": asked}, sort_keys=True)}
