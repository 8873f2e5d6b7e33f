"""What a release holds, file by file: where its bytes are, and the hashes by which git, LFS and a Hub know them."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stages import git
from stages.files import read_json
from stages.refusal import Refusal
from stages.release import ADAPTER, WRITTEN, commit, files, rows, sha256
from stages.sending import MANIFEST, ORIGIN, TAG

CARD = "README.md"
NAMES_TAG = (CARD, ADAPTER)  # the files in which the tag stands
STAMP = ("git_commit", "git_dirty", "dvc_lock_sha256")
STAMPED = (ORIGIN, *NAMES_TAG, MANIFEST)  # the files that differ between two releases of the same work


@dataclass(frozen=True)
class Part:
    """A file by its bytes: at a path, or, of a small one that is written as it is sent, themselves."""

    source: Path | bytes

    @cached_property
    def size(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.source).hexdigest() if isinstance(self.source, bytes) else sha256(self.source)

    @property
    def data(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    @cached_property
    def blob(self) -> str:
        """As git names it."""
        data = self.data
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


Contents = dict[str, Part]


def committed(at: str = "") -> dict:
    """The stamp of what is made here: the commit, which holds all of the working tree, and the hash of dvc.lock.

    at: the commit that it has to be, where somebody has looked at one before.
    """
    state = commit()
    if state["git_commit"] is None:
        raise Refusal("a git repository with a commit", "none", str(Path.cwd()), "git init, git add, git commit")
    if state["git_dirty"]:
        do = "commit or stash what `git status` lists, then publish"
        raise Refusal("a clean working tree", f"changes on top of {state['git_commit'][:12]}", str(Path.cwd()), do)
    if at and state["git_commit"] != at:
        do = "leave the clone alone while it publishes; publish again"
        raise Refusal(f"the commit that was looked at, {at[:12]}", state["git_commit"][:12], str(Path.cwd()), do)
    return state | {"dvc_lock_sha256": sha256("dvc.lock")}


def vouched(origin: dict) -> dict | None:
    """The stamp that the provenance of a release tells; None unless it is one of a commit of this very history, made
    of a clean tree, with the dvc.lock that the commit holds."""
    stamp = {key: origin.get(key) for key in STAMP}
    made_at = stamp["git_commit"]
    if stamp["git_dirty"] is not False or not (isinstance(made_at, str) and re.fullmatch("[0-9a-f]{40}", made_at)):
        return None
    if git.said("merge-base", "--is-ancestor", made_at, "HEAD") is None:
        return None
    lock = git.said("show", f"{made_at}:./dvc.lock")
    return stamp if stamp["dvc_lock_sha256"] == (lock and hashlib.sha256(lock).hexdigest()) else None


def tag(stamp: dict) -> str:
    """The tag of what is made at a commit."""
    return f"git-{stamp['git_commit'][:12]}"


def manifest(contents: Contents) -> dict[str, dict]:
    """path → {sha256, size} of each file but the manifest itself."""
    return {path: {"sha256": one.sha256, "size": one.size} for path, one in sorted(contents.items())
            if path != MANIFEST}  # fmt: skip


def whole(folder: Path, kind: str = "model") -> Contents:
    """The files of a published folder. Refuses one whose files are not those that its manifest names."""
    paths = rows(folder) if kind == "dataset" else files(folder, WRITTEN)
    contents = {path.name: Part(path) for path in paths}
    told, found = read_json(folder / MANIFEST), manifest(contents)
    if wrong := sorted(path for path in told.keys() | found.keys() if told.get(path) != found.get(path)):
        do = "dvc checkout, which lays it out anew, or dvc repro --force on the stage that made it"
        raise Refusal(f"the files that {MANIFEST} names", f"other bytes in {', '.join(wrong)}", str(folder), do)
    return contents


def stamped(laid: Contents, stamp: dict) -> Contents:
    """The files as they are sent: they name the commit and its tag, which were not there when they were written."""
    contents = {path: part for path, part in laid.items() if path != MANIFEST}
    origin = read_json(contents[ORIGIN].source) | {key: stamp.get(key) for key in STAMP}
    contents[ORIGIN] = Part(_json(origin))
    for path in NAMES_TAG:
        if path in contents and TAG.encode() in (text := contents[path].source.read_bytes()):
            contents[path] = Part(text.replace(TAG.encode(), tag(stamp).encode()))
    return contents | {MANIFEST: Part(_json(manifest(contents)))}


def _json(value: dict) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
