"""Sentiment as text: read a review, write the name of its tone.

Row     {"text": "Slow start, lovely ending.", "rating": 4}
Prompt  sentiment analysis: Slow start, lovely ending.
Target  positive
"""

from stages.stars import TONES, tone
from stages.tasks import Task


def prompt(row: dict) -> str:
    return f"sentiment analysis: {row['text']}"


def target(row: dict) -> str:
    return tone(row["rating"])


TASK = Task(
    name="sentiment_text",
    version=1,
    columns=("rating", "text"),
    prompt=prompt,
    target=target,
    metrics=("accuracy", "macro_f1", "off_label"),
    labels=TONES,
)
