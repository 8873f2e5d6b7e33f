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
from collections.abc import Callable
from pathlib import Path

import psutil

from flows import at_work, background, torn
from stages import seal

RWLOCK = at_work.TMP / "rwlock"
# What stages write beside a target: .<name>.<process>.partial (stages.files), .<name>.<tempfile's eight>.partial
# (stages.blocks). The parts of stages.answer, from which it goes on, end in .parts.partial.
PARTIAL = re.compile(r"\..+\.(\d+|[a-z0-9_]{8})\.partial")
CHECKPOINTS = ".checkpoints"  # the end of the name of a training's scratch folder
ELSEWHERE = {".git", ".dvc", ".venv", "__pycache__"}

Emit = Callable[[str], None]
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
    at_work.TMP.mkdir(parents=True, exist_ok=True)
    with at_work.turn(), at_work.dvc_held() as free:
        work = (at_work.TMP / "flow.lock").open("a")
        alone = at_work.locked(work)
        try:
            mended = _done(torn.mending(), emit) if free else 0
            here = at_work.processes(root)
            orphans = [one for one in here if at_work.orphaned(one, here, root)]
            if others := [f"process {one.pid} ({at_work.words(one)})" for one in here if one not in orphans]:
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


# --- what is broken -------------------------------------------------------------------------------------------------


def _mended(root: Path, orphans: list[psutil.Process], emit: Emit) -> int:
    mended = sum(_done(steps, emit) for steps in (_ending(orphans), _unlocking(), torn.mending(), _clearing(root)))
    torn.keep_whole()
    return mended


def _done(steps: torn.Steps, emit: Emit) -> int:
    """Take these steps, say each, and how many they were."""
    taken = 0
    for what, mend in steps:
        mend()
        taken += 1
        emit(f"recovered: {what}")
    return taken


def _ending(orphans: list[psutil.Process]) -> torn.Steps:
    for one in orphans:
        record = {"pid": one.pid, "born": one.create_time()}
        what = f"process {one.pid} ({at_work.words(one)}) had outlived the run that started it, and was ended"
        yield what, lambda record=record: background.end(record, grace=5)


def _unlocking() -> torn.Steps:
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


def _clearing(root: Path) -> torn.Steps:
    """Half-written outputs, and checkpoints that nothing may resume from: nobody is at work who could end them."""
    for folder, below, files in os.walk(root):
        at = Path(folder)
        for name in [*below, *files]:
            if PARTIAL.fullmatch(name):
                what = f"{(at / name).relative_to(root)}, half an output, was removed"
                yield what, lambda path=at / name: _remove(path)
        for scratch in (at / name for name in below if name.startswith(".") and name.endswith(CHECKPOINTS)):
            found = sorted(scratch.glob("*/checkpoint-*"))
            halves = [one for one in found if not seal.whole(one)]
            for one in halves if len(halves) < len(found) else [scratch]:
                what = (
                    f"{one.relative_to(root)}, {'a torn checkpoint' if one in halves else 'without a whole checkpoint'}"
                )
                yield f"{what}, was removed", lambda path=one: _remove(path)
        below[:] = [name for name in below if name not in ELSEWHERE and not name.startswith(".")]


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
