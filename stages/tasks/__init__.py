"""What a task is, and which there are. Each task is one small file that opens with a worked row."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

TASKS = ("review_generation", "sentiment_label")


@dataclass(frozen=True)
class Task:
    """A job as data: how a row becomes a prompt and a target, and how answers are measured.

    columns: what `prompt` and `target` read of a row of the enriched table. metrics: names, the headline first.
    labels: the only targets there are; empty for free text. version: raised whenever the prompt changes.
    rivals: of a row and some other row, the rows that an answer to the first should not fit as well as it fits its own;
    None where candidates are not to be chosen among.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    prompt: Callable[[dict], str]
    target: Callable[[dict], str]
    metrics: tuple[str, ...]
    labels: tuple[str, ...] = ()
    rivals: Callable[[dict, dict], list[dict]] | None = None


def load(name: str) -> Task:
    """The task `name`, imported alone, so that a recipe depends on its own task's file and on no other."""
    return importlib.import_module(f"stages.tasks.{name}").TASK
