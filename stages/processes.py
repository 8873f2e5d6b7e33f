"""One training as several processes, a GPU each: started as torchrun starts them, ended together.

On one machine the stage stays one process to DVC and Prefect: it starts the others, waits, and says which one failed
and why. On several it is started from outside, by torchrun on each or by Ray Train; then it is one of the others.
"""

import contextlib
import ctypes
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

import torch
from torch import distributed
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from stages.refusal import Refusal

STARTER = "REVIEWMILL_STARTER"  # pid of the process that started this one
GRACE = 2  # seconds for a process to end before it is killed; below the flow's own
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def started(processes: int, where: str) -> bool:
    """Is this one of the `processes` of a training? Then it ends when the process that started it has.

    where: the address of their number in params.yaml; refused where another number was started from outside.
    """
    if "WORLD_SIZE" not in os.environ:
        return False
    if int(os.environ["WORLD_SIZE"]) != processes:
        raise Refusal(
            f"{processes} processes in all", f"{os.environ['WORLD_SIZE']} started from outside", where,
            "write their number there, or start as many (nodes × processes of a node)",
        )  # fmt: skip
    if "TORCHELASTIC_RUN_ID" not in os.environ:  # Ray Train's, which sees to its own
        return True
    for number in (signal.SIGINT, signal.SIGTERM):  # by an exit: what is half written goes
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if sys.platform == "linux":  # each has a session of its own, so that a kill of the group reaches none
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(os.environ.get(STARTER, os.getppid())):  # it was gone before
        sys.exit(128 + signal.SIGKILL)
    return True


def first() -> bool:
    """Is this the process that writes and prints, the only one or the first of several?"""
    return os.environ.get("RANK", "0") == "0" or "WORLD_SIZE" not in os.environ


def shardable(where: str) -> None:
    """Refuses a machine over which no model can be dealt out: accelerate does so over GPUs alone.

    where: the address in params.yaml of what asks for it.
    """
    if not torch.cuda.is_available():
        raise Refusal(
            "a GPU for each process, to hold its share of the model", "no GPU", where,
            "leave it out, or train where there are as many",
        )  # fmt: skip


def gather(value: object) -> list:
    """`value` of each process, the first one's first: the last thing that they do together."""
    if not distributed.is_initialized():
        return [value]
    each = [None] * distributed.get_world_size()
    distributed.all_gather_object(each, value)
    distributed.destroy_process_group()
    return each


def start(processes: int, threads: int, module: str, words: tuple[str, ...], where: str) -> None:
    """Run `python -m module words` as so many processes and wait for them; the first one's output is shown.

    where: the address of their number in params.yaml. One that fails ends the others. Exits with the failed one's words
    on stderr, or refuses for one that the system killed.
    """
    if torch.cuda.is_available() and torch.cuda.device_count() < processes:
        raise Refusal(
            f"a GPU for each of {processes} processes", str(torch.cuda.device_count()), where,
            "lower it, and method.batch stays as it is",
        )  # fmt: skip
    os.environ |= {STARTER: str(os.getpid()), "OMP_NUM_THREADS": str(threads)}
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # it would print tracebacks of its own
    with tempfile.TemporaryDirectory(prefix="processes-") as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            max_restarts=0,
            run_id="stage",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",  # a free port
            local_addr="localhost",
            logs_specs=DefaultLogsSpecs(folder, redirects=dict.fromkeys(range(1, processes), Std.ALL)),
            shutdown_timeout=GRACE,
        )
        try:
            elastic_launch(config, sys.executable)("-m", module, *words)
        except SignalException as stopped:
            sys.exit(128 + stopped.sigval)
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            if failure.exitcode < 0:
                raise Refusal(
                    f"{processes} processes that end by themselves", f"process {rank} ended by {failure.signal_name()}",
                    where, "see whether the machine ran out of memory; then lower method.batch, or run it again",
                ) from error  # fmt: skip
            if rank:  # the first one's words were shown as they came
                with contextlib.suppress(OSError):
                    sys.stderr.write(next(Path(folder).rglob(f"{rank}/stderr.log")).read_text("utf-8", "replace"))
            sys.exit(failure.exitcode)
