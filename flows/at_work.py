"""Who is at work in a project: DVC's processes and its stages, and the locks by which they and flows keep apart."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

TMP = Path(".dvc/tmp")


def processes(root: Path) -> list[psutil.Process]:
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


def orphaned(one: psutil.Process, here: list[psutil.Process], root: Path) -> bool:
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


def words(one: psutil.Process) -> str:
    words = one.info["cmdline"]
    return " ".join(words[words.index("-m") :] if "-m" in words else words)[:80]


@contextmanager
def turn() -> Iterator[None]:
    """Two flows that start at once recover one after the other, and neither counts as at work before that."""
    with (TMP / "recover.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def dvc_held(seconds: float = 0) -> Iterator[bool]:
    """DVC's own lock, which it holds while it writes dvc.lock; False where another has it for longer than `seconds`."""
    TMP.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    with (TMP / "lock").open("a") as file:
        while not (held := locked(file)) and time.monotonic() < until:
            time.sleep(0.05)
        yield held


def locked(file: object) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
