"""The project's folder while a model is retrained in it: whose it is, whether it may be changed, and how it was before.

What a run may change is known beforehand: dvc.lock, and the outputs of the nodes it runs. Only those are ever restored
or committed; whatever else somebody writes there meanwhile stays as it is.
"""

import fcntl
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows import manifest, process, record
from flows.git import git, head, kept
from stages.files import replacing

TMP = Path(".dvc/tmp")
LOCK, JOURNAL = TMP / "retrain.lock", TMP / "retrain.json"
CHECKOUT = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "checkout", "--force", "--allow-missing"]


class NotReady(Exception):
    """Nothing was begun; the text says what is in the way and what to do about it."""


@contextmanager
def held(what: str) -> Iterator[None]:
    """Be the only one to retrain or roll back here. The lock is the system's own: a killed process holds none."""
    TMP.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise NotReady(
                f"another run is at work in {Path.cwd()}: {file.read().strip() or 'it has just begun'}; "
                "wait for its end, or work in another clone"
            ) from None
        file.truncate(0)
        file.write(f"{what}, process {os.getpid()}\n")
        file.flush()
        yield


def begin(nodes: dict[str, record.Node]) -> None:
    """Note down what is going to change, for a run that is killed before it can restore it."""
    with replacing(JOURNAL) as beside:
        beside.write_text(json.dumps({"head": head(), "nodes": sorted(nodes), "made": made(nodes)}))


def end() -> None:
    """The workspace is whole: nothing is left to restore."""
    JOURNAL.unlink(missing_ok=True)


def recover(emit: Callable[[str], None]) -> None:
    """Put back what a killed run left behind. After a commit or a checkout since, that is nobody's business here."""
    if not JOURNAL.is_file():
        return
    left = json.loads(JOURNAL.read_text())
    if left["head"] == head():
        emit("an earlier run was killed: its changes are put back")
        restore(left["nodes"], left["made"], emit)
    end()


def made(nodes: dict[str, record.Node]) -> list[str]:
    """The paths in git that these nodes write."""
    return [record.LOCK, str(manifest.FILE), *sorted({path for node in nodes.values() for path in node.reports})]


def restore(nodes: list[str], paths: list[str], emit: Callable[[str], None], commit: str = "HEAD") -> None:
    """Make dvc.lock, reports and outputs of `nodes` what they are in `commit`. What it has not goes away."""
    there = kept(paths, commit)
    if there:
        git("restore", f"--source={commit}", "--staged", "--worktree", "--", *there)
    tops = {Path(path) for path in there}
    for path in map(Path, paths):
        if path.is_file() and path not in tops:
            path.unlink()
    known = [node for node in nodes if node in record.locked()]
    if known:
        status = process.run([*CHECKOUT, *known], emit, threading.Event())
        if status:
            raise NotReady(
                f"dvc.lock and the reports are those of {commit}, and DVC could not bring back all outputs "
                f"(status {status}): run `dvc checkout`, and `dvc repro` for what it lacks"
            )
