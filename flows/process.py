"""A command as a process group: its lines as they come, and nothing of it left behind when it is stopped."""

import codecs
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

POLL = 0.2  # seconds between looks at `stop` while the command says nothing
GRACE = 5  # seconds for a group to end on SIGINT before it is killed
LEASH = Path(__file__).with_name("leash.py")


class Stopped(Exception):
    """The command was stopped before its end; no process of its group is left."""


def run(
    command: list[str], emit: Callable[[str], None], stop: threading.Event, cwd: Path | None = None,
    environment: dict[str, str] | None = None,
) -> int:  # fmt: skip
    """Run `command` in the folder `cwd`, give each line of its output to `emit` at once, and return its exit status.

    environment: in place of this process's own. Raises Stopped once `stop` is set. However this function is left, the
    group that it started is gone; within GRACE it is so too when this process is killed.
    """
    # -I -S: found by its path, and without the packages of this environment, it starts in an instant.
    leash = [sys.executable, "-I", "-S", str(LEASH), str(GRACE), *command]
    process = subprocess.Popen(
        leash, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, env=environment or inherited(), cwd=cwd,
    )  # fmt: skip
    try:
        for line in _lines(process, stop):
            emit(line)
        return process.wait()
    finally:
        _end(process)


def inherited() -> dict[str, str]:
    """This process's, with its interpreter's folder first on PATH, and output that arrives while the command runs."""
    here = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }
    return {"TQDM_MININTERVAL": "5", **os.environ, **here}


def _lines(process: subprocess.Popen, stop: threading.Event) -> Iterator[str]:
    """Lines as they come. A carriage return ends a line too: a progress bar writes no other end for hours."""
    decoder, rest = codecs.getincrementaldecoder("utf-8")("replace"), ""
    with process.stdout as pipe, selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while not stop.is_set():
            if waiting.select(POLL):
                chunk = os.read(pipe.fileno(), 65536)
                *lines, rest = re.split(r"[\r\n]", rest + decoder.decode(chunk, final=not chunk))
                yield from (line.rstrip() for line in lines if line.strip())
                if not chunk:
                    break
            elif process.poll() is not None:  # it is gone, and something it left behind holds the pipe open
                break
        if stop.is_set():
            _end(process)  # while the pipe is still open: a broken pipe would cut short what it does at its end
            raise Stopped
    if rest.strip():
        yield rest.rstrip()


def _end(process: subprocess.Popen) -> None:
    """Leave nothing of the group. SIGINT first: DVC then waits for its stage to end and releases its locks."""
    if process.poll() is None:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGINT)
            process.wait(GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
