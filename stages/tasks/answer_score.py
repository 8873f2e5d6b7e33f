"""Scoring an answer: read a question, its marking guide and an answer, give the mark, a quarter at a time.

Row     {"question": "Why is the sky blue?", "guide": "1. Air scatters light. 2. Blue most.", "text": "Blue scatters most.", "mark": 0.5}
Prompt  question Why is the sky blue? | guide 1. Air scatters light. 2. Blue most. | answer Blue scatters most.
Target  0.5
"""  # noqa: E501

from stages.tasks import Field, Task, told

FIELDS = (Field("question", "question", least=16), Field("guide", "guide", least=64), Field("answer", "text", least=64))
LABELS = ("0", "0.25", "0.5", "0.75", "1")


def prompt(row: dict) -> str:
    return told(FIELDS, row)


def target(row: dict) -> str:
    """The label nearest to the mark, of two as near the higher."""
    return LABELS[int(row["mark"] * 4 + 0.5)]


def number(row: dict) -> float:
    """The mark itself, for a regressor: a marker may give what no label says, such as 0.9."""
    return row["mark"]


TASK = Task(
    name="answer_score",
    version=1,
    columns=("question", "guide", "text", "mark"),
    prompt=prompt,
    target=target,
    metrics=("kappa", "rmse", "pearson", "spearman", "readable"),
    labels=LABELS,
    ordered=True,
    fields=FIELDS,
    cut=("answer", "guide", "question"),
    number=number,
)
