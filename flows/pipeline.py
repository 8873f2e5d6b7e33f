"""The whole DAG as one Prefect flow: a task per DVC node, side by side where the graph allows it.

`python -m flows.pipeline [TARGET ...]` does the same work as `dvc repro` and takes its --force, --dry, --downstream.
Edges and staleness are DVC's. What may run at the same time is declared in params.yaml under `flow` (see flows.slots).
A node that is up to date ends at once as Cached; one that fails stops only what follows from it.
"""

import argparse
import os
import signal
import sys
import time
from graphlib import TopologicalSorter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import httpx
from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled, Completed, Failed

from flows import artifacts, causes, dvc, manifest, process, recover, runners, slots, torn, watch
from stages import params
from stages.refusal import Refusal

HEALS = {dvc.NodeBusy: "Busy", dvc.NodeOffline: "Offline"}


class Cancelling(Exception):
    """Somebody cancelled the run."""


def heals(_task: object, _run: object, state: State) -> bool:
    """A lock that another process holds, or a network that fails, is worth trying again; a refused table never is."""
    return state.name in HEALS.values()


def named(failure: dvc.NodeFailed) -> str:
    """The state's name by which `heals` knows what is worth trying again."""
    return HEALS.get(type(failure), "Failed")


@task(
    task_run_name="{node}", cache_policy=NO_CACHE,
    retries=5, retry_delay_seconds=[1, 2, 4, 8, 16], retry_condition_fn=heals,
)  # fmt: skip
def reproduce(
    node: str, fresh: bool, force: bool, stop: Any, folder: Path, inputs: manifest.Entries | None = None
) -> State:
    """Bring one node of the project in `folder` up to date; stop: an event of the runner's (flows.runners).

    The state's data is the seconds it took; a failure's message is the stage's own. inputs: what the node reads that
    this run has not made, which must be the bytes that the manifest names.
    """
    if fresh:
        return Completed(name="Cached", data=0.0)
    if found := manifest.altered(inputs or {}, folder):
        return Failed(message="\n".join(["an input is not what its node made:", *found, manifest.MEND]), data=0.0)
    log = get_run_logger()
    progress = artifacts.Progress(node, log.warning)

    def emit(line: str) -> None:
        log.info(line)
        progress(line)

    start = time.monotonic()
    try:
        ran = dvc.reproduce(node, emit, stop, force, folder)
    except dvc.NodeFailed as failure:
        return Failed(name=named(failure), message=str(failure), data=time.monotonic() - start)
    except process.Stopped:
        return Cancelled(message="the flow was stopped")
    torn.keep()
    return Completed(name="Completed" if ran else "Cached", data=time.monotonic() - start)


@flow(name="pipeline")
def pipeline(
    targets: tuple[str, ...] = (), force: bool = False, downstream: bool = False, workers: int | None = None
) -> State:
    """Bring `targets` and all they follow from up to date; everything, when there are none.

    force: run them though nothing changed. downstream: the targets and what follows from them instead. workers: stands
    for flow.slots.cpu of params.yaml.
    """
    recover.first(get_run_logger().info)
    edges, changed, declared = plan(targets, force, downstream, workers)
    folder, read = Path.cwd(), manifest.inputs(changed)
    server = watch.Server(runtime.flow_run.id, get_run_logger())
    with runners.opened(declared.runner, folder) as (runner, stop):
        ended, futures = SimpleQueue(), {}
        queue = slots.Slots(declared, slots.followers(edges))

        def submit(node: str) -> None:
            ran = {one for one in edges[node] if node in read and futures[one].state.name == "Completed"}
            inputs = {path: one for path, one in read.get(node, {}).items() if one["stage"] not in ran}
            asked = {"node": node, "fresh": node not in changed, "force": force, "stop": stop, "folder": folder}
            upstream = [futures[one] for one in edges[node]]
            futures[node] = runner.submit(reproduce, asked | {"inputs": inputs}, wait_for=upstream)
            futures[node].add_done_callback(lambda _: ended.put(node))

        order = TopologicalSorter(edges)
        order.prepare()
        try:
            # A task is submitted once its upstream has ended, well or not: a task that waits would hold a worker. And
            # once its slots are free, if it will run at all.
            while order.is_active():
                for node in order.get_ready():
                    if node in changed and all(_well(futures[one]) for one in edges[node]):
                        queue.wait(node)
                    else:
                        submit(node)
                for node in queue.start():
                    submit(node)
                node = _next(ended, server)
                queue.end(node)
                order.done(node)
        except Cancelling:
            stop.set()
            wait(list(futures.values()))
            return Cancelled(message="cancelled: its stages were stopped")
        except BaseException:  # Ctrl-C, SIGTERM: the stages must not outlive the flow
            stop.set()
            wait(list(futures.values()))
            raise
        wait(list(futures.values()))  # else `state` is what the server knows so far
        states = {node: _last(futures[node]) for node in edges}
    if manifest.FILE.is_file() and all(state.is_completed() for state in states.values()):
        manifest.update()
    if server.gone():
        raise watch.Unrecorded(report(states, edges))
    tried = [node for node, state in states.items() if state.is_final()]
    artifacts.publish(dvc.commands(tried), get_run_logger().warning)
    return report(states, edges)


def plan(
    targets: tuple[str, ...], force: bool, downstream: bool, workers: int | None, look: bool = True
) -> tuple[dvc.Graph, set[str], params.Flow]:
    """The nodes chosen with their edges, which of them may have to run, and the slots. Refuses what is unknown.

    look: False leaves out the look at what changed, which takes long where much data lies, and names all.
    """
    edges = dvc.graph()
    chosen = dvc.select(edges, targets, downstream)
    declared = slots.declared(dvc.stages(edges), workers)
    changed = dvc.stale(edges) & set(chosen) if look and not force else set(chosen)
    return chosen, changed, declared


def _well(future: PrefectFuture) -> bool:
    """Did this task, which has ended, end well?"""
    future.wait()
    return future.state.is_completed()


def _last(future: PrefectFuture) -> State:
    """How this task, which has ended, ended. One that the server still thinks to run went down with its worker."""
    state = future.state
    return Failed(message="the worker that ran it was lost") if state.is_running() else state


def _next(ended: SimpleQueue, server: watch.Server) -> str:
    """The node that ends next. Raises Cancelling once the server says that somebody cancelled the run."""
    while True:
        try:
            return ended.get(timeout=watch.LOOK)
        except Empty:
            if server.cancelled():
                raise Cancelling from None


def report(states: dict[str, State], edges: dvc.Graph) -> State:
    """Log how each node ended, why the failed ones did and what was not tried; the flow's own state follows from it."""
    log = get_run_logger()
    failed = {node: state for node, state in states.items() if state.is_final() and not state.is_completed()}
    below = {node: dvc.select(edges, [node], downstream=True).keys() - {node} for node in failed}
    notes = {node: causes.address(state.message or "") for node, state in failed.items()}
    untried = {node: [one for one in failed if node in below[one]] for node in states if node not in failed}
    notes |= {node: f"not tried: {', '.join(above)} failed" for node, above in untried.items() if above}
    log.info("\n%s", table(states, notes))
    for node, state in failed.items():
        lost = [one for one in states if one in below[node]]
        log.error("%s failed:\n%s%s", node, state.message, f"\nnot tried: {', '.join(lost)}" if lost else "")
    if failed:
        lost = sum(map(bool, untried.values()))
        why = "; ".join(f"{node} ({notes[node]})" if notes[node] else node for node in failed)
        return Failed(message=f"{len(failed)} of {len(states)} nodes failed: {why}; {lost} not tried")
    cached = sum(state.name == "Cached" for state in states.values())
    return Completed(message=f"{len(states)} nodes up to date: {len(states) - cached} ran, {cached} cached")


def table(states: dict[str, State], notes: dict[str, str]) -> str:
    """Node, state, seconds and notes in columns. A node below a failed one is NotReady and took no time."""
    width = max(map(len, states))
    rows = [f"{'node':{width}}  {'state':9}  seconds"]
    for node, state in states.items():
        took = state.result(raise_on_failure=False) if state.is_final() and state.data is not None else None
        seconds = f"{took:7.1f}" if isinstance(took, float) else "      -"
        rows.append(f"{node:{width}}  {state.name:9}  {seconds}  {notes.get(node, '')}".rstrip())
    return "\n".join(rows)


def foretell(edges: dvc.Graph, changed: set[str]) -> str:
    """What a run would do with each node, as --dry prints it."""
    width = max(map(len, edges))
    rows = [f"{node:{width}}  {'run' if node in changed else 'cached'}" for node in edges]
    run = sum(node in changed for node in edges)
    told = f"{len(edges)} nodes: {run} would run, {len(edges) - run} cached"
    return "\n".join([*rows, told + "; one that finds its inputs as they were is cached after all" * bool(run)])


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


def exit_on_signals() -> None:
    """End by an exit where the default is a sudden end: stages stop, and a server Prefect started for this run too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda number, _: sys.exit(128 + number))


def leave(message: str, status: int) -> None:
    """End at once: Prefect would spend minutes on the events that it still has for a server that is not there."""
    print(message, file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(status)


def main(argv: list[str] | None = None) -> None:
    """The command line. Exit status 1 when anything failed, 0 when all is up to date."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description="Bring the DAG up to date.")
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a node, or a stage for all its nodes; default: all"
    )
    parser.add_argument("-f", "--force", action="store_true", help="run nodes though nothing changed")
    parser.add_argument("--dry", action="store_true", help="print which nodes would run, and run none")
    parser.add_argument("--downstream", action="store_true", help="the targets and what follows from them instead")
    parser.add_argument("--workers", type=int, metavar="N", help="cpu slots (default: flow.slots.cpu of params.yaml)")
    words = parser.parse_args(argv)
    if words.workers is not None and words.workers < 1:
        parser.error(f"--workers {words.workers}: at least 1")
    exit_on_signals()
    asked = {"targets": tuple(words.targets), "force": words.force, "downstream": words.downstream}
    try:
        recover.first(print)
        # before a server starts for nothing
        edges, changed, declared = plan(**asked, workers=words.workers, look=words.dry)
        if words.dry:
            return print(foretell(edges, changed))
        expect_server()
        runners.expect(declared.runner, Path.cwd())
        state = pipeline(**asked, workers=words.workers, return_state=True)
    except (dvc.NoPipeline, Refusal) as error:
        sys.exit(str(error))
    except watch.Unrecorded as error:
        leave(str(error), 0 if error.state.is_completed() else 1)
    except httpx.HTTPError as error:  # in the run's first or last moment: in between nothing asks it
        leave(f"{watch.silent()} ({error}): what had ended is in dvc.lock; run again", 1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
