"""What was published and read back, as this clone has seen it: one file for each release, written by stages.confirm.

They lie in data/, outside git: a publish leaves the tree as clean as the next one wants it, and another clone knows of
its own releases only. The Hub has the tags for all to see.
"""

import json
from pathlib import Path

FOLDER = Path("data/receipts")


def path(recipe: str, tag: str) -> Path:
    """Where the receipt of a release lies."""
    return FOLDER / recipe / f"{tag}.json"


def read(recipe: str) -> list[dict]:
    """The receipts of a recipe, the oldest first."""
    found = [json.loads(one.read_text("utf-8")) for one in sorted((FOLDER / recipe).glob("*.json"))]
    return sorted(found, key=lambda one: one["at"])
