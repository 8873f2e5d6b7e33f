"""A folder that is vouched for: the sha256 of each of its files, in a manifest that is renamed in last."""

import hashlib
from pathlib import Path

from stages.files import read_json, write_json
from stages.refusal import Refusal

MANIFEST = "sealed.json"


def seal(folder: Path) -> None:
    """Say that `folder` is complete as it is now."""
    write_json(folder / MANIFEST, _digests(folder))


def whole(folder: Path) -> bool:
    """Was `folder` sealed, and are its files what they were then?"""
    try:
        return read_json(folder / MANIFEST) == _digests(folder)
    except (Refusal, OSError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / MANIFEST:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
