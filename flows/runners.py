"""Where the nodes of a run are run: in threads of the flow's own process, or by the workers of a Dask cluster.

flow.runner of params.yaml chooses; DASK_SCHEDULER_ADDRESS (Dask's own variable) names the scheduler. Workers see the
project under the same path as the flow does, on a shared file system. Dask is imported by whoever asks for it.
"""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.settings import PREFECT_API_URL
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from stages.refusal import Refusal

THREADS = 64  # tasks at the same time, those that are Cached included; how many of them run a stage the slots say
ADDRESS = "DASK_SCHEDULER_ADDRESS"
WAIT = 10  # seconds for a scheduler to answer


@contextmanager
def opened(runner: str, folder: Path) -> Iterator[tuple[TaskRunner, Any]]:
    """The runner, and the event that stops what it runs: set here, it is set wherever a task looks at it."""
    if runner == "threads":
        with ThreadPoolTaskRunner(max_workers=THREADS) as threads:
            yield threads, threading.Event()
        return
    expect(runner, folder)
    from distributed import Event
    from prefect_dask import DaskTaskRunner

    with DaskTaskRunner(address=os.environ[ADDRESS]) as dask:
        yield dask, Event(f"stop-{uuid.uuid4()}", dask.client)


def expect(runner: str, folder: Path) -> None:
    """Refuse what a run would fail on: no Dask, no scheduler, no worker, one without the project, no Prefect server."""
    if runner == "threads":
        return
    where = f"the environment variable {ADDRESS}"
    try:
        import prefect_dask  # noqa: F401
        from distributed import Client
    except ImportError as error:
        raise Refusal("Dask, for flow.runner: dask", "no such package", "params.yaml: flow.runner",
                             "make install, which brings Dask, or write threads") from error  # fmt: skip
    if not PREFECT_API_URL.value():
        raise Refusal(
            "a Prefect server that the workers reach", "none: PREFECT_API_URL is not set", "the environment",
            "make ui, or set PREFECT_API_URL to the address of a server",
        )  # fmt: skip
    start = "start it with `dask scheduler`, and `dask worker ADDRESS` in the project's folder on each machine"
    address = os.environ.get(ADDRESS)
    if not address:
        raise Refusal("the address of a Dask scheduler", "none", where, f"{start}; then set the variable")
    try:
        with Client(address, timeout=WAIT, set_as_default=False) as client:
            found = client.run(lambda: (folder / "dvc.yaml").is_file())
    except (OSError, ValueError) as error:
        found = f"{address}: {str(error).splitlines()[0]}"
        raise Refusal("a Dask scheduler that answers", found, where, start) from error
    if not found:
        raise Refusal("a worker of the Dask cluster", "none", address, start)
    if without := [worker for worker, there in found.items() if not there]:
        raise Refusal(
            f"this project at {folder} on each worker", f"not on {', '.join(without)}", address,
            "mount it there under the same path, or stop that worker",
        )  # fmt: skip
