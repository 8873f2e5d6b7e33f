"""What a task is, and which there are. Each task is one small file that opens with a worked row."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

TASKS = ("review_generation", "review_summary", "sentiment_label", "sentiment_text", "answer_score")
BARS = str.maketrans("|｜", "//")  # what parts the fields of a prompt


@dataclass(frozen=True)
class Field:
    """A part of a prompt that is cut by itself. name: its tag; column: of the row; least: tokens that stay of it for as
    long as the fields cut after it can give some.
    """

    name: str
    column: str
    least: int = 0


@dataclass(frozen=True)
class Task:
    """A job as data: how a row becomes a prompt and a target, and how answers are measured.

    columns: what `prompt` and `target` read of a row of the enriched table. metrics: names, the headline first.
    labels: the only targets there are; empty for free text. ordered: labels rise, so one may be nearer than another.
    version: raised whenever the prompt changes. fields: the prompt's parts, where a prompt too long is cut by part;
    cut: their names, in the order in which they are cut. number: the target as a number, for a regressor. group:
    the column by which rows are gathered into one (the fifty reviews of one film); empty: a row is a review.
    rivals: of a row and another one, requests that an answer to the first should fit less well than its own; None
    where candidates are not to be chosen among.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    prompt: Callable[[dict], str]
    target: Callable[[dict], str]
    metrics: tuple[str, ...]
    labels: tuple[str, ...] = ()
    ordered: bool = False
    group: str = ""
    fields: tuple[Field, ...] = ()
    cut: tuple[str, ...] = ()
    number: Callable[[dict], float] | None = None
    rivals: Callable[[dict, dict], list[dict]] | None = None

    def outputs(self, head: str) -> tuple[str, ...]:
        """What a head chooses among: the labels; or the one number it gives, by the task's name."""
        return self.labels if head == "labels" else (self.name,)


def told(fields: tuple[Field, ...], row: dict) -> str:
    """The fields that the row has, in their order, each behind its tag; a bar inside one becomes a stroke.

    >>> told((Field("question", "q"), Field("answer", "a")), {"q": "Why?", "a": "No idea | answer all right"})
    'question Why? | answer No idea / answer all right'
    """
    return " | ".join(f"{one.name} {row[one.column].translate(BARS)}" for one in fields if row[one.column])


def load(name: str) -> Task:
    """The task `name`, imported alone, so that a recipe depends on its own task's file and on no other."""
    return importlib.import_module(f"stages.tasks.{name}").TASK
