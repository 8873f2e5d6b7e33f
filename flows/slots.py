"""Which of the nodes that are ready may start now: a node starts when the slots that its stage declares are free.

The rule: what most nodes follow from goes first, and of equals what came first; what fits may pass what does not fit
yet, but once a node has been passed PASSES times, nothing behind it starts before it. As no node needs more than there
is, each gets its turn.
"""

from graphlib import TopologicalSorter

from flows.dvc import Graph, NoPipeline
from stages import params

PASSES = 4  # nodes behind it that may start before one that waits for more than is free


class Slots:
    """The slots of one run of the flow: who waits for them, in their order, and who has them.

    followers: node → how many nodes follow from it.
    """

    def __init__(self, flow: params.Flow, followers: dict[str, int] | None = None):
        self._followers = followers or {}
        self._needs = {stage: needs.model_dump() for stage, needs in flow.stages.items()}
        self._free = flow.slots.model_dump()
        self._passed: dict[str, int] = {}  # a waiting node → how many from behind it have started
        self._running: dict[str, dict[str, int]] = {}  # a node → the slots it has

    def wait(self, node: str) -> None:
        """Put a node into the queue."""
        waiting = self._passed | {node: 0}
        self._passed = dict(sorted(waiting.items(), key=lambda one: -self._followers.get(one[0], 0)))

    def start(self) -> list[str]:
        """Take the nodes that may start now out of the queue, and their slots from the free ones."""
        started, waiting = [], []
        for node in list(self._passed):
            needs = self._needs.get(node.partition("@")[0]) or params.Needs().model_dump()
            if all(needs[slot] <= free for slot, free in self._free.items()):
                self._running[node] = needs
                self._free = {slot: free - needs[slot] for slot, free in self._free.items()}
                started.append(node)
                del self._passed[node]
                for other in waiting:
                    self._passed[other] += 1
            else:
                waiting.append(node)
            if any(self._passed[other] >= PASSES for other in waiting):
                break
        return started

    def end(self, node: str) -> None:
        """Free the slots of a node that has ended; one that never had any (Cached, not tried) frees none."""
        needs = self._running.pop(node, {})
        self._free = {slot: free + needs.get(slot, 0) for slot, free in self._free.items()}


def followers(edges: Graph) -> dict[str, int]:
    """How many nodes follow from each, by however many steps.

    >>> followers({"a": set(), "b": {"a"}, "c": {"b"}, "d": set()})
    {'a': 2, 'b': 1, 'c': 0, 'd': 0}
    """
    after: dict[str, set[str]] = {node: set() for node in edges}
    for node in reversed(list(TopologicalSorter(edges).static_order())):
        for upstream in edges[node]:
            after[upstream] |= after[node] | {node}
    return {node: len(those) for node, those in after.items()}


def declared(stages: set[str], workers: int | None = None) -> params.Flow:
    """The flow section of params.yaml, with `workers` for its cpu slots; `stages` are the names there are."""
    flow = params.flow()
    unknown = ", ".join(f"flow.stages.{stage}" for stage in flow.stages if stage not in stages)
    if unknown:
        raise NoPipeline(f"params.yaml: {unknown}: no such stage in dvc.yaml; write one of {', '.join(sorted(stages))}")
    if workers is None:
        return flow
    flow = flow.model_copy(update={"slots": flow.slots.model_copy(update={"cpu": workers})})
    if large := params.oversized(flow):
        raise NoPipeline(f"--workers {workers} stands for flow.slots.cpu: " + "; ".join(large))
    return flow
