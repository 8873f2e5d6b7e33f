"""Faults on demand: the n-th call that a pattern names is answered by an error, or its connection dropped.

Before its effect, the call is as if it had never arrived; after it, all is done and the caller does not learn of it.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

DROP = 0  # in a status's place: the connection is closed without a word
BEFORE, AFTER = "before", "after"


@dataclass
class Fault:
    """calls: a pattern of "METHOD /path"; nth: which of them, from 1, counted once it is planted; times: how many."""

    calls: str = ""
    nth: int = 1
    status: int = DROP
    moment: str = BEFORE
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def meets(self, call: str) -> bool:
        if not re.search(self.calls, call):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class Faults:
    """Those planted, what was called, and a hook for whatever else a test wants to happen just before a call."""

    def __init__(self):
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda call: None
        self._planted: list[Fault] = []
        self._turn = threading.Lock()

    def plant(self, calls: str = "", **how) -> Fault:
        fault = Fault(calls, **how)
        self._planted.append(fault)
        return fault

    def clear(self) -> None:
        self._planted.clear()

    def at(self, call: str) -> Fault | None:
        """What goes wrong with this call, which is noted."""
        with self._turn:
            self.calls.append(call)
            met = [fault for fault in self._planted if fault.meets(call)]
        self.before(call)
        return met[0] if met else None
