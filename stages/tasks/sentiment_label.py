"""Sentiment as a label: read a review, name its tone.

Row     {"text": "Slow start, lovely ending.", "rating": 4}
Prompt  Slow start, lovely ending.
Target  positive
"""

from stages.stars import TONES, tone
from stages.tasks import Task


def prompt(row: dict) -> str:
    return row["text"]


def target(row: dict) -> str:
    return tone(row["rating"])


TASK = Task(
    name="sentiment_label",
    version=1,
    columns=("rating", "text"),
    prompt=prompt,
    target=target,
    metrics=("accuracy", "macro_f1"),
    labels=TONES,
)
