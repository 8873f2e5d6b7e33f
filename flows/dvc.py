"""DVC as flows see it: its graph, what is out of date in it, and one node of it reproduced as a process.

A node is a stage by its DVC address (`train@my-recipe`, `raw.csv.dvc`). Nothing here knows Prefect.
"""

import difflib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path

from flows import causes, process

Graph = dict[str, set[str]]

TRIES, WAIT = 10, 0.2  # of reading dvc.lock, and seconds between them


class NoPipeline(Exception):
    """There is nothing to run here: no DVC project, a dvc.yaml that DVC cannot read, or no such node."""


class NodeFailed(Exception):
    """A stage ended badly; the text is its refusal, or its last lines."""


class NodeBusy(NodeFailed):
    """Another DVC process holds the lock or the paths: trying again later can heal this."""


class NodeOffline(NodeFailed):
    """Something elsewhere could not be reached: trying again later can heal this."""


def graph() -> Graph:
    """Each node and the nodes it follows from, as DVC draws them, in the project around the working directory."""
    with project() as repo:
        edges = repo.index.graph
        return {stage.addressing: {upstream.addressing for upstream in edges.successors(stage)} for stage in edges}


def commands(nodes: Iterable[str]) -> dict[str, list[str]]:
    """The words of each node's command, where paths are; none of a node that has no command."""
    with project() as repo:
        made = {stage.addressing: stage.cmd for stage in repo.index.stages}
    return {node: made[node].split() if isinstance(made.get(node), str) else [] for node in nodes}


def stages(edges: Graph) -> set[str]:
    """The names of all stages, those that have no node now (their section of params.yaml is empty) included."""
    from dvc.utils.serialize import load_yaml

    named = load_yaml("dvc.yaml").get("stages", {}) if Path("dvc.yaml").is_file() else {}
    return {*named, *(node.partition("@")[0] for node in edges)}


def select(edges: Graph, targets: Iterable[str], downstream: bool = False) -> Graph:
    """The targets and all they follow from; all of `edges` when there are none. `train` stands for every `train@…`.

    downstream: the targets and all that follows from them instead, and of their edges those among these.
    """
    if not edges:
        raise NoPipeline("dvc.yaml has no stages: nothing to run")
    if downstream and not targets:
        raise NoPipeline("--downstream needs a target: the node from which on to run")
    targets = list(targets) or list(edges)
    onward = following(edges) if downstream else edges
    chosen, todo = set(), []
    for target in targets:
        nodes = [node for node in edges if target in (node, node.partition("@")[0])]
        if not nodes:
            known = dict.fromkeys([*edges, *(node.partition("@")[0] for node in edges)])
            close = difflib.get_close_matches(target, known, 3, cutoff=0.5)
            raise NoPipeline(f"no node {target!r} in dvc.yaml; " + _hint(close, edges))
        todo += nodes
    while todo:
        node = todo.pop()
        if node not in chosen:
            chosen.add(node)
            todo += onward[node]
    return {node: edges[node] & chosen for node in edges if node in chosen}


def following(edges: Graph) -> Graph:
    """Each node and the nodes that follow from it at once."""
    turned = {node: set() for node in edges}
    for node, upstream in edges.items():
        for one in upstream:
            turned[one].add(node)
    return turned


def stale(edges: Graph) -> set[str]:
    """The nodes that may have to run: those that DVC finds changed or never run, and all that follows from them.

    When another DVC process is at work here its paths cannot be looked at; then this is every node, and DVC decides
    again as each is reproduced.
    """
    from dvc.lock import LockError

    with project() as repo:
        try:
            changed = set(repo.status())
        except LockError:
            return set(edges)
    for node in TopologicalSorter(edges).static_order():
        if edges[node] & changed:
            changed.add(node)
    return changed


def reproduce(
    node: str, emit: Callable[[str], None], stop: threading.Event, force: bool = False, folder: Path | None = None,
    python: str = sys.executable, environment: dict[str, str] | None = None,
) -> bool:  # fmt: skip
    """Run one node by `dvc repro --single-item`; True when its stage ran, False when DVC found it unchanged.

    emit: called with each line of DVC and of the stage, as it comes. stop: once set, the stage ends and process.Stopped
    is raised. force: run it though nothing changed. folder, python, environment: in which project, whose DVC and under
    which variables, where not this process's. Raises NodeFailed with the stage's last words, and of its kinds
    NodeBusy and NodeOffline when trying again can heal it.
    """
    tail, ran = deque(maxlen=500), True

    def listen(line: str) -> None:
        nonlocal ran
        emit(line)
        tail.append(line)
        skipped = f"'{node}' didn't change, skipping", f"'{node}' is cached - skipping run"
        ran = ran and not any(words in line for words in skipped)

    # -P: a folder of the project must not shadow a library that DVC imports. The stage itself runs without it.
    # --wait-for-lock: DVC locks again after the stage, and else drops hours of training when that takes over 3 seconds.
    command = [python, "-P", "-m", "dvc", "--wait-for-lock", "repro", "--single-item", node]
    status = process.run([*command, "--force"] if force else command, listen, stop, folder, environment)
    if status:
        cause = causes.cause(list(tail), status)
        raise (NodeBusy if causes.busy(tail) else NodeOffline if causes.offline(cause) else NodeFailed)(cause)
    return ran


@contextmanager
def project() -> Iterator:
    """DVC's own view of the project; what DVC says against it becomes NoPipeline."""
    from dvc.exceptions import CyclicGraphError, DvcException, NotDvcRepoError

    try:
        with _opened() as repo:
            yield repo
    except NotDvcRepoError as error:
        raise NoPipeline(f"no DVC project in {Path.cwd()}: run this from the project's root") from error
    except CyclicGraphError as error:
        raise NoPipeline(f"dvc.yaml has a cycle, in which no node can be first: {error}") from error
    except DvcException as error:
        raise NoPipeline(f"DVC cannot read this project: {error} (`dvc status` says where)") from error


def _opened() -> "Repo":  # noqa: F821
    """The project, read. DVC of another flow writes dvc.lock in place: what is half-written is whole a moment later."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    for left in reversed(range(TRIES)):
        repo = Repo(_wait_for_lock=True)
        try:
            _ = repo.index.stages  # reads dvc.yaml and dvc.lock, once
            return repo
        except DvcException as error:
            repo.close()
            if not left or "dvc.lock" not in str(error):
                raise
            time.sleep(WAIT)


def _hint(close: list[str], edges: Graph) -> str:
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(dict.fromkeys(node.partition('@')[0] for node in edges))}"
