"""A file or a folder by its bytes: SHA-256, MD5 as DVC reckons it, and size, in one reading."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20
IGNORED = "__pycache__"  # as in .dvcignore


@dataclass(frozen=True)
class Digest:
    """sha256 and md5 of a file; of a folder those of the list of its files. files: path below it → sha256."""

    sha256: str
    md5: str
    size: int
    files: dict[str, str]


def of(path: Path) -> Digest | None:
    """The digest of what lies at `path`; None where nothing does."""
    if path.is_dir():
        found = (one for one in path.rglob("*") if one.is_file() and IGNORED not in one.relative_to(path).parts)
        return of_folder({one.relative_to(path).as_posix(): one for one in found})
    if not path.is_file():
        return None
    sha256, md5, size = _read(path)
    return Digest(sha256, md5, size, {})


def of_folder(files: dict[str, Path]) -> Digest:
    """The digest of a folder whose files lie anywhere, as they do in DVC's cache: path below it → where it is read."""
    read = {name: _read(files[name]) for name in sorted(files)}
    # What DVC names a folder by: the list of its files as JSON, under `.dir`.
    listed = json.dumps([{"md5": md5, "relpath": name} for name, (_, md5, _) in read.items()], sort_keys=True)
    lines = "".join(f"{sha256}  {name}\n" for name, (sha256, _, _) in read.items())
    return Digest(
        hashlib.sha256(lines.encode()).hexdigest(),
        hashlib.md5(listed.encode()).hexdigest() + ".dir",
        sum(size for _, _, size in read.values()),
        {name: sha256 for name, (sha256, _, _) in read.items()},
    )


def of_kept(files: dict[str, Path], md5: str) -> Digest | None:
    """The digest of what DVC's cache holds under `md5`. files: path below a folder, empty for a file → the object."""
    return of_folder(files) if md5.endswith(".dir") else of(files[""])


def _read(path: Path) -> tuple[str, str, int]:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(), 0
    for chunk in _chunks(path):
        sha256.update(chunk)
        md5.update(chunk)
        size += len(chunk)
    return sha256.hexdigest(), md5.hexdigest(), size


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
