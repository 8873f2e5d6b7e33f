"""dvc.lock, which DVC rewrites in place: whole or torn, and the copy of it that is kept for the day it is torn."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import yaml

from flows import at_work, git

TMP = at_work.TMP
LOCK, GOOD, TORN = Path("dvc.lock"), TMP / "dvc.lock.good", TMP / "dvc.lock.torn"
PATIENCE = 5  # seconds to wait for DVC's lock before a copy is left to the next node
CONFLICT = re.compile(r"(?m)^(<<<<<<<|>>>>>>>) ")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Steps = Iterator[tuple[str, Callable[[], object]]]


def keep() -> None:
    """Copy dvc.lock beside, for the day on which it is found torn. Called when a node has ended well."""
    with suppress(FileNotFoundError), at_work.dvc_held(PATIENCE) as held:
        text = LOCK.read_bytes() if held else b""
        if text.endswith(b"\n"):  # as `_good` looks at all of it before it is used, no more is asked here
            _copy(text)


def keep_whole() -> None:
    """The same where nobody is at work, and only of a dvc.lock that is not torn."""
    text = _text(LOCK)
    if text and _kept()[1] != text and _whole(text):
        _copy(text)


def _copy(text: bytes) -> None:
    _replace(GOOD, (_stamp() + "\n").encode() + text)


def mending() -> Steps:
    """dvc.lock as whole as it can be had: what of it can be read, above the copy kept beside, above HEAD's."""
    text = _text(LOCK)
    if text is None or _whole(text):
        return
    if CONFLICT.search(text.decode("utf-8", "replace")):
        return  # a merge is for people to end
    kept = [_good(), _at_head()]
    mended = _joined(text, [one for one in kept if one])
    found = "was empty" if not text.strip() else "was cut off"
    if mended is None:
        what = f"{LOCK} {found}, and no copy of it is left: moved to {TORN}; nodes without a record run again"
        yield what, lambda: LOCK.replace(TORN)
        return

    def mend() -> None:
        _replace(TORN, text)
        _replace(LOCK, mended)

    had, total = len(_entries(text, cut=True)), len(_entries(mended))
    yield f"{LOCK} {found}: {had} of its nodes were read, {total - had} taken from the last good copy", mend


def _whole(text: bytes) -> bool:
    """Is this dvc.lock as DVC ends it? What is left of a cut can often be read as YAML all the same."""
    _, kept = _kept()
    if text and kept == text:
        return True
    if not _readable(text):
        return False
    if kept.startswith(text):
        return text == _at_head()  # what `git restore` brings back may well be a beginning of what was here since
    *_, (name, last) = _entries(text).items()
    before = _entries(kept).get(name, last)
    return before == last or not before.startswith(last)


def _readable(text: bytes) -> bool:
    try:
        stages = yaml.load(text, LOADER)["stages"]
        return text.endswith(b"\n") and bool(stages) and all(map(_recorded, stages.values()))
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        return False


def _recorded(entry: dict) -> bool:
    files = [*entry.get("deps", []), *entry.get("outs", [])]
    return "cmd" in entry and all({"path", "hash", one.get("hash", "md5")} <= one.keys() for one in files)


def _entries(text: bytes, cut: bool = False) -> dict[bytes, bytes]:
    """Name → the lines of each stage, as they stand. cut: the last one may lack some, and is left out."""
    _, _, body = text.partition(b"\nstages:\n")
    _, *blocks = re.split(rb"(?m)^(?=  \S)", b"\n" + body)
    blocks = blocks[:-1] if cut else blocks
    return {block.partition(b":\n")[0]: block for block in blocks}


def _joined(torn: bytes, kept: list[bytes]) -> bytes | None:
    """Each entry that `torn` has whole, the others from the first of `kept` that has them; None when there is none."""
    entries = {}
    for text in reversed(kept):
        entries |= _entries(text)
    entries |= _entries(torn, cut=True)
    joined = b"schema: '2.0'\nstages:\n" + b"".join(entries.values())
    return joined if entries and _readable(joined) else None


def _good() -> bytes | None:
    """The copy kept beside, unless another commit has been checked out since."""
    stamp, text = _kept()
    return text if stamp.decode("utf-8", "replace") == _stamp() and _readable(text) else None


def _kept() -> tuple[bytes, bytes]:
    """The stamp of the copy kept beside, and the copy; both empty where there is none."""
    stamp, _, text = (_text(GOOD) or b"").partition(b"\n")
    return stamp, text


def _at_head() -> bytes | None:
    with suppress(FileNotFoundError):  # no git here
        return git.content("HEAD", str(LOCK))


def _stamp() -> str:
    """The commit that a copy belongs to: of another branch other files were made."""
    head = git.head() if git.inside() else "no commit"
    return f"# {head}"


def _text(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()


def _replace(target: Path, text: bytes) -> None:
    beside = TMP / f".{target.name}.{os.getpid()}-{threading.get_ident()}.partial"
    beside.write_bytes(text)
    beside.replace(target)
