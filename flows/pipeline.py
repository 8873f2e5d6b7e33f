"""The whole DAG as one Prefect flow: a task per DVC node, side by side where the graph allows it.

`python -m flows.pipeline [TARGET ...] [--workers N]` does the same work as `dvc repro`. Edges and staleness are DVC's.
A node that is up to date ends at once as Cached; one that fails stops only what follows from it.
"""

import argparse
import signal
import sys
import threading
import time
from graphlib import TopologicalSorter
from queue import SimpleQueue

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import dvc, process

WORKERS = 2


def heals(_task: object, _run: object, state: State) -> bool:
    """A lock that another process holds is worth trying again; a refused table never is."""
    return state.name == "Busy"


@task(
    task_run_name="{node}", cache_policy=NO_CACHE,
    retries=5, retry_delay_seconds=[1, 2, 4, 8, 16], retry_condition_fn=heals,
)  # fmt: skip
def reproduce(node: str, fresh: bool, stop: threading.Event) -> State:
    """Bring one node up to date. The state's data is the seconds it took; a failure's message is the stage's own."""
    if fresh:
        return Completed(name="Cached", data=0.0)
    start = time.monotonic()
    try:
        ran = dvc.reproduce(node, get_run_logger().info, stop)
    except dvc.NodeFailed as failure:
        name = "Busy" if isinstance(failure, dvc.NodeBusy) else "Failed"
        return Failed(name=name, message=str(failure), data=time.monotonic() - start)
    except process.Stopped:
        return Cancelled(message="the flow was stopped")
    return Completed(name="Completed" if ran else "Cached", data=time.monotonic() - start)


@flow(name="pipeline", task_runner=ThreadPoolTaskRunner(max_workers=WORKERS))
def pipeline(targets: tuple[str, ...] = ()) -> State:
    """Bring `targets` and all they follow from up to date; everything, when there are none."""
    edges = dvc.graph()
    changed, edges = dvc.stale(edges), dvc.select(edges, targets)
    stop, ended, futures = threading.Event(), SimpleQueue(), {}
    order = TopologicalSorter(edges)
    order.prepare()
    try:
        # A task is submitted once its upstream has ended, well or not: a task that waits would hold a worker.
        while order.is_active():
            for node in order.get_ready():
                futures[node] = reproduce.submit(
                    node, node not in changed, stop, wait_for=[futures[upstream] for upstream in edges[node]]
                )
                futures[node].add_done_callback(lambda _, node=node: ended.put(node))
            order.done(ended.get())
    except BaseException:  # Ctrl-C, SIGTERM, a cancelled run: the stages must not outlive the flow
        stop.set()
        raise
    wait(list(futures.values()))  # else `state` is what the server knows so far
    return report({node: futures[node].state for node in edges})


def report(states: dict[str, State]) -> State:
    """Log how each node ended, and why the failed ones did; the flow's own state follows from theirs."""
    log = get_run_logger()
    log.info("\n%s", table(states))
    failed = {node: state for node, state in states.items() if state.is_final() and not state.is_completed()}
    for node, state in failed.items():
        log.error("%s failed:\n%s", node, state.message)
    if failed:
        return Failed(message=f"{len(failed)} of {len(states)} nodes failed: {', '.join(failed)}")
    cached = sum(state.name == "Cached" for state in states.values())
    return Completed(message=f"{len(states)} nodes up to date: {len(states) - cached} ran, {cached} cached")


def table(states: dict[str, State]) -> str:
    """Node, state and seconds in columns. A node below a failed one is NotReady: it was not tried, and took none."""
    width = max(map(len, states))
    rows = [f"{'node':{width}}  {'state':9}  seconds"]
    for node, state in states.items():
        took = state.result(raise_on_failure=False) if state.is_final() and state.data is not None else None
        seconds = f"{took:7.1f}" if isinstance(took, float) else "      -"
        rows.append(f"{node:{width}}  {state.name:9}  {seconds}" + ("  upstream failed" * (state.name == "NotReady")))
    return "\n".join(rows)


def expect_server() -> None:
    """Refuse a configured server that does not answer. With none configured, Prefect starts one for this run alone."""
    url = PREFECT_API_URL.value()
    if not url:
        return
    with get_client(sync_client=True) as client:
        if client.api_healthcheck():
            raise dvc.NoPipeline(
                f"no Prefect server answers at {url}: run `prefect server start`, or unset PREFECT_API_URL"
            )


def main(argv: list[str] | None = None) -> None:
    """The command line. Exit status 1 when anything failed, 0 when all is up to date."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description="Bring the DAG up to date.")
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a node, or a stage for all its nodes; default: all"
    )
    parser.add_argument("--workers", type=int, default=WORKERS, help="nodes at the same time (default: %(default)s)")
    words = parser.parse_args(argv)
    if words.workers < 1:
        parser.error(f"--workers {words.workers}: at least 1")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            # An exit, not the default end: stages are stopped, and so is a server that Prefect started for this run.
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        dvc.select(dvc.graph(), words.targets)  # before a server is started for nothing
        expect_server()
        runner = ThreadPoolTaskRunner(max_workers=words.workers)
        state = pipeline.with_options(task_runner=runner)(tuple(words.targets), return_state=True)
    except dvc.NoPipeline as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
