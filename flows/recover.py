"""What a killed run left behind is made good: `python -m flows.recover`, and at the start of every flow.

DVC rewrites dvc.lock and .dvc/tmp/rwlock in place, so that a SIGKILL can leave either empty or cut off; after that it
refuses to run at all. Stages outlive a DVC that was killed, and may leave half a checkpoint. What is whole is never
touched, and while anybody is at work here only a torn dvc.lock that nobody can be writing. Each step is a rename or a
removal: killed itself, this is run again. DVC's other locks need no mending: they are the system's own, and a dead
process holds none.
"""

import fcntl
import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import yaml

from flows import background, git
from stages import seal

TMP = Path(".dvc/tmp")
LOCK, GOOD, TORN = Path("dvc.lock"), TMP / "dvc.lock.good", TMP / "dvc.lock.torn"
RWLOCK = TMP / "rwlock"
PARTIAL = re.compile(r"\..+\.\d+\.partial")  # what stages.files writes beside a target: .<name>.<process>.partial
CHECKPOINTS = ".checkpoints"  # the end of the name of a training's scratch folder
PATIENCE = 5  # seconds to wait for DVC's lock before a copy is left to the next node
ELSEWHERE = {".git", ".dvc", ".venv", "__pycache__"}
CONFLICT = re.compile(r"(?m)^(<<<<<<<|>>>>>>>) ")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Emit = Callable[[str], None]
Steps = Iterator[tuple[str, Callable[[], object]]]
_working: dict[Path, object] = {}  # the projects that this process is at work in, each with its open lock


class AtWork(Exception):
    """Somebody is at work here, so nothing was looked at; the text says who."""


def first(emit: Emit) -> None:
    """What every flow does first: recover, and be known as at work here until this process ends.

    Where others are at work already it goes on beside them: what they have in hand is not this flow's to mend.
    """
    root = Path.cwd().resolve()
    if root in _working or not (root / ".dvc").is_dir():
        return
    try:
        recover(emit, stay=True)
    except AtWork as error:
        emit(f"nothing else recovered: {error}")


def recover(emit: Emit, stay: bool = False) -> int:
    """Mend what is broken in the project of the working directory; how much that was. Raises AtWork.

    A torn dvc.lock is mended even then, as long as nobody holds DVC's own lock, under which alone it is written: a flow
    that a kill of its worker has left hanging would else keep every other from running. stay: go on being at work here,
    as a flow does.
    """
    root = Path.cwd().resolve()
    TMP.mkdir(parents=True, exist_ok=True)
    with _turn(), _dvc_held() as free:
        work = (TMP / "flow.lock").open("a")
        alone = _try(work)
        try:
            mended = _done(_locking(), emit) if free else 0
            here = _processes(root)
            orphans = [one for one in here if _orphaned(one, here, root)]
            if others := [f"process {one.pid} ({_words(one)})" for one in here if one not in orphans]:
                raise AtWork(f"{', '.join(others)} is at work in {root}")
            if not (alone and free):
                raise AtWork(f"another {'DVC' if alone else 'flow'} is at work in {root}")
            return mended + _mended(root, orphans, emit)
        finally:
            if stay:
                fcntl.flock(work, fcntl.LOCK_SH)
                _working[root] = work
            else:
                work.close()


def keep() -> None:
    """Copy dvc.lock beside, for the day on which it is found torn. Called when a node has ended well."""
    with suppress(FileNotFoundError), _dvc_held(PATIENCE) as held:
        text = LOCK.read_bytes() if held else b""
        if text.endswith(b"\n"):  # as `_good` looks at all of it before it is used, no more is asked here
            _replace(GOOD, (_stamp() + "\n").encode() + text)


# --- what is broken -------------------------------------------------------------------------------------------------


def _mended(root: Path, orphans: list[psutil.Process], emit: Emit) -> int:
    mended = sum(_done(steps, emit) for steps in (_ending(orphans), _unlocking(), _locking(), _clearing(root)))
    text = _text(LOCK)
    if text and _text(GOOD, "").partition(b"\n")[2] != text and _whole(text):
        _replace(GOOD, (_stamp() + "\n").encode() + text)
    return mended


def _done(steps: Steps, emit: Emit) -> int:
    """Take these steps, say each, and how many they were."""
    taken = 0
    for what, mend in steps:
        mend()
        taken += 1
        emit(f"recovered: {what}")
    return taken


def _ending(orphans: list[psutil.Process]) -> Steps:
    for one in orphans:
        record = {"pid": one.pid, "born": one.create_time()}
        what = f"process {one.pid} ({_words(one)}) had outlived the run that started it, and was ended"
        yield what, lambda record=record: background.end(record, grace=5)


def _unlocking() -> Steps:
    """A list of DVC's locks that nobody can read, or that names a process though no DVC is at work here."""
    try:
        held = json.loads(RWLOCK.read_bytes())
        holders = [*held.get("write", {}).values(), *(one for many in held.get("read", {}).values() for one in many)]
        pids = {int(one["pid"]) for one in holders}
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError):
        yield f"{RWLOCK} was unreadable, and was dropped", lambda: RWLOCK.unlink(missing_ok=True)
        return
    # DVC itself forgets the dead. It takes a zombie, and whatever has got a dead one's number since, for the holder.
    if alive := sorted(filter(psutil.pid_exists, pids)):
        what = f"{RWLOCK} named process {', '.join(map(str, alive))}, which is no DVC of this project, and was dropped"
        yield what, lambda: RWLOCK.unlink(missing_ok=True)


def _locking() -> Steps:
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


def _clearing(root: Path) -> Steps:
    """Half-written outputs, and checkpoints that nothing may resume from: nobody is at work who could end them."""
    for folder, below, files in os.walk(root):
        at = Path(folder)
        for name in [*below, *files]:
            if PARTIAL.fullmatch(name):
                what = f"{(at / name).relative_to(root)}, half an output, was removed"
                yield what, lambda path=at / name: _remove(path)
        for scratch in (at / name for name in below if name.startswith(".") and name.endswith(CHECKPOINTS)):
            found = sorted(scratch.glob("*/checkpoint-*"))
            torn = [one for one in found if not seal.whole(one)]
            for one in torn if len(torn) < len(found) else [scratch]:
                what = (
                    f"{one.relative_to(root)}, {'a torn checkpoint' if one in torn else 'without a whole checkpoint'}"
                )
                yield f"{what}, was removed", lambda path=one: _remove(path)
        below[:] = [name for name in below if name not in ELSEWHERE and not name.startswith(".")]


# --- dvc.lock -------------------------------------------------------------------------------------------------------


def _whole(text: bytes) -> bool:
    """Is this dvc.lock as DVC ends it? What is left of a cut can often be read as YAML all the same."""
    kept = _text(GOOD, "").partition(b"\n")[2]
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
    stamp, _, text = _text(GOOD, "").partition(b"\n")
    return text if stamp.decode("utf-8", "replace") == _stamp() and _readable(text) else None


def _at_head() -> bytes | None:
    with suppress(FileNotFoundError):  # no git here
        return git.content("HEAD", str(LOCK))


def _stamp() -> str:
    """The commit that a copy belongs to: of another branch other files were made."""
    head = git.head() if git.inside() else "no commit"
    return f"# {head}"


def _text(path: Path, absent: str | None = None) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None if absent is None else absent.encode()


def _replace(target: Path, text: bytes) -> None:
    beside = TMP / f".{target.name}.{os.getpid()}-{threading.get_ident()}.partial"
    beside.write_bytes(text)
    beside.replace(target)


# --- who is at work -------------------------------------------------------------------------------------------------


def _processes(root: Path) -> list[psutil.Process]:
    """The DVC and stage processes of this project, by the folder they work in; not those above this one."""
    mine = {os.getpid(), *(one.pid for one in psutil.Process().parents())}
    found = []
    for one in psutil.process_iter(["cmdline", "cwd", "status"]):
        words, cwd = one.info["cmdline"] or [], one.info["cwd"]
        if one.pid in mine or not cwd or one.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if (_is_dvc(words) or _is_stage(words)) and _project(Path(cwd)) == root:
            found.append(one)
    return found


def _is_dvc(words: list[str]) -> bool:
    python = bool(words) and Path(words[0]).name.startswith("python")
    named = [Path(word).name for word in words[: 2 if python else 1]]
    return "daemon" not in words and ("dvc" in named or (python and _module(words) == "dvc"))


def _is_stage(words: list[str]) -> bool:
    return _module(words).startswith("stages.")


def _module(words: list[str]) -> str:
    """M of `python [options] -m M`."""
    place = words.index("-m") + 1 if "-m" in words[:6] else len(words)
    return words[place] if place < len(words) else ""


def _project(folder: Path) -> Path | None:
    return next((one for one in (folder, *folder.parents) if (one / ".dvc").is_dir()), None)


def _orphaned(one: psutil.Process, here: list[psutil.Process], root: Path) -> bool:
    """Was it started by a DVC, or as a DVC by a flow, of this checkout, and has that ended?"""
    try:
        above = one.parents()
        if _is_dvc(one.info["cmdline"]):
            python = bool(above) and Path((above[0].cmdline() or [""])[0]).name.startswith("python")
            return "--single-item" in one.info["cmdline"] and os.getsid(one.pid) == one.pid and not python
        told = one.environ()
        ours = "DVC_STAGE" in told and Path(told.get("DVC_ROOT", "")).resolve() == root
        return ours and not any(two in here and _is_dvc(two.cmdline()) for two in above)
    except (psutil.Error, OSError):
        return False


def _words(one: psutil.Process) -> str:
    words = one.info["cmdline"]
    return " ".join(words[words.index("-m") :] if "-m" in words else words)[:80]


@contextmanager
def _turn() -> Iterator[None]:
    """Two flows that start at once recover one after the other, and neither counts as at work before that."""
    with (TMP / "recover.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _dvc_held(seconds: float = 0) -> Iterator[bool]:
    """DVC's own lock, which it holds while it writes dvc.lock; False where another has it for longer than `seconds`."""
    TMP.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    with (TMP / "lock").open("a") as file:
        while not (held := _try(file)) and time.monotonic() < until:
            time.sleep(0.05)
        yield held


def _try(file: object) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def main() -> None:
    """The command line. Exit status 1 when somebody is at work here."""
    if not Path(".dvc").is_dir():
        sys.exit(f"no DVC project in {Path.cwd()}: run this from the project's root")
    try:
        recover(print) or print("nothing to recover")
    except AtWork as error:
        sys.exit(f"nothing else recovered: {error}; run this again once that has ended")


if __name__ == "__main__":
    main()
