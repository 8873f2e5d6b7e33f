"""A process that outlives the command that started it: found again later, and ended with all that it started.

It is remembered by its number and its birth, so a number that the system has since given to another is never taken
for it.
"""

import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

GRACE = 15  # seconds for a process to end by itself; a flow needs some of them to stop its stages

Record = dict[str, float]


def start(command: list[str], log: Path, environment: dict[str, str], folder: Path) -> Record:
    """Start `command` in a session of its own, where a closed terminal does not reach it. It writes to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=environment, cwd=folder, start_new_session=True,
        )  # fmt: skip
    return {"pid": process.pid, "born": psutil.Process(process.pid).create_time()}


def find(record: Record | None) -> psutil.Process | None:
    """The process of this record while it lives."""
    try:
        process = psutil.Process(int(record["pid"]))
        # Births are reckoned from the clock, which may have been set meanwhile; no number is used again this soon.
        same = abs(process.create_time() - record["born"]) < 2
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, TypeError, KeyError, ValueError):
        return None


def end(record: Record | None, grace: float = GRACE) -> None:
    """Ask the process to end, then what is left of all that it started; kill what does not. Nothing else is touched."""
    process = find(record)
    alive = family([process]) if process else []
    asked = [process]
    while alive and asked:
        for one in asked:
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        asked = [] if len(asked) > 1 else alive
        _, alive = psutil.wait_procs(family(alive), grace)
    for one in alive:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(alive, grace)


def family(processes: list[psutil.Process]) -> list[psutil.Process]:
    """These processes and all that descends from them: a child whose parent has gone could not be found later."""
    family = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            family |= {one.pid: one for one in (process, *process.children(recursive=True))}
    return list(family.values())
