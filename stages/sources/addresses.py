"""What the path of a file source names: one file, several or a glob, here or elsewhere, each held to its sha256.

A file from elsewhere (https, s3) is first copied whole into a temporary folder: so it is read once, its sum is known
before its first row is believed, and every format can be read from it, also those that need to seek.
"""

import glob
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from stages.params import FileSource
from stages.refusal import Refusal
from stages.sources.remote import asked, copied, protocol_of, system_of

KNOWN = ("file", "https", "http", "s3", "memory")


def find(settings: FileSource, address: str) -> list[str]:
    """The files that `path` names, globs matched and sorted, each once; refuses a glob that matches none.

    A glob must not climb: what it matches lies inside the folder before its first sign, links followed.
    """
    wanted = [settings.path] if isinstance(settings.path, str) else settings.path
    at = f"{address}.path"
    found = [name for one in wanted for name in (_matches(one, at) if glob.has_magic(_local(one, at)) else [one])]
    twice = [name for place, name in enumerate(found) if name in found[:place]]
    if twice:
        raise Refusal("each file once", f"{twice[0]} twice", at, "name it once, or narrow the glob")
    sums = settings.sha256
    if not sums and any(protocol_of(name) == "http" for name in found):
        raise Refusal(
            "a sha256 for what comes by http://", "none, and anyone on the way can change it", f"{address}.sha256",
            "write it, or use https://",
        )  # fmt: skip
    if isinstance(sums, str) and len(found) != 1:
        raise Refusal(
            "one sha256 per file", f"one for {len(found)} files", f"{address}.sha256", "write a mapping: file → sha256"
        )
    if isinstance(sums, dict) and set(sums) != set(found):
        odd = sorted(set(sums) ^ set(found))
        raise Refusal(
            "a sha256 for each file found, and no other", f"{odd[0]} is {'not found' if odd[0] in sums else 'without'}",
            f"{address}.sha256", "write one line per file: file: sha256",
        )  # fmt: skip
    return found


def here(names: list[str], settings: FileSource, address: str) -> Iterator[tuple[str, Path]]:
    """(name, local path) of each file, its sum checked; a copy from elsewhere lasts until the next is asked for."""
    at = f"{address}.path"
    for name in names:
        with tempfile.TemporaryDirectory(prefix="reviewmill-") as folder:
            local = _local(name, at)
            path = Path(local) if protocol_of(name) == "file" else copied(name, folder, at)
            _check(name, path, settings.sha256, address)
            yield name, path


def _local(name: str, at: str) -> str:
    """The path of an address without `file://`; refuses a kind of address that is not known and a login inside one."""
    protocol = protocol_of(name)
    if protocol not in KNOWN or "::" in name:
        raise Refusal(
            f"a local path, or one of {', '.join(f'{one}://' for one in KNOWN[:4])}", f"{protocol}://", at,
            "fetch the file yourself and write its local path",
        )  # fmt: skip
    if protocol != "file" and ("@" in urlsplit(name).netloc or ".." in urlsplit(name).path.split("/")):
        raise Refusal(
            "an address without a login and without `..`", f"{protocol}:// with one", at,
            "give the login by the environment (AWS_PROFILE, .netrc), and write the address in full",
        )  # fmt: skip
    return name.removeprefix("file://")


def _matches(pattern: str, at: str) -> list[str]:
    """Files that a glob matches, sorted, so that the order of a folder never shows."""
    parts = _local(pattern, at).split("/")
    fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    if ".." in parts[fixed:]:
        raise Refusal("a glob that does not climb", repr(pattern), at, "write `..` before its first * or [ only")
    if protocol_of(pattern) != "file":
        system = system_of(pattern, at)
        found = [name for name in asked(lambda: system.glob(pattern), pattern, at) if not system.isdir(name)]
        found = sorted(system.unstrip_protocol(name) for name in found)
    else:
        root = Path("/".join(parts[:fixed]) or ("/" if fixed else "."))
        there = sorted(one for one in root.glob("/".join(parts[fixed:])) if one.is_file() and one.name[0] != ".")
        out = [one for one in there if not one.resolve().is_relative_to(root.resolve())]
        if out:
            raise Refusal(
                f"files inside {root}", f"{out[0]}, a link that leads out of it", at,
                "name that file by itself, if it is meant",
            )  # fmt: skip
        found = [str(one) for one in there]
    if not found:
        raise Refusal("files that match", "none", f"{at}: {pattern}", "put the files there, or correct the pattern")
    return found


def _check(name: str, path: Path, sums: str | dict[str, str] | None, address: str) -> None:
    """Refuse a file that is not there, holds nothing, or is not the one that was pinned."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise Refusal("a file of reviews", found, name, f"put the file there, or correct {address}.path")
    if not path.stat().st_size:
        raise Refusal("a file of reviews", "an empty file", name, "fetch the file again")
    sha256 = sums.get(name) if isinstance(sums, dict) else sums
    if sha256:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != sha256:
            raise Refusal(
                f"sha256 {sha256}", f"sha256 {digest}", f"{name}; {address}.sha256",
                "fetch the pinned file again; if the new one is meant, write its sha256",
            )  # fmt: skip
