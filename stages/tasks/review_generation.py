"""Review generation: from a rating, rubrics and keywords, write the review.

Row     {"rating": 2, "rubrics": "Кафе;Пиццерия", "keywords": ["пицца", "официант"], "text": "Пиццу ждали час."}
Prompt  rating 2 | rubrics Кафе;Пиццерия | keywords пицца, официант
Target  Пиццу ждали час.
"""

from stages.tasks import Task


def prompt(row: dict) -> str:
    """The fields that the row has, in this order; what it lacks is left out."""
    fields = [f"rating {row['rating']}"]
    if row["rubrics"]:
        fields.append(f"rubrics {row['rubrics']}")
    if row["keywords"]:
        fields.append(f"keywords {', '.join(row['keywords'])}")
    return " | ".join(fields)


def target(row: dict) -> str:
    return row["text"]


TASK = Task(
    name="review_generation",
    version=1,
    columns=("rating", "rubrics", "keywords", "text"),
    prompt=prompt,
    target=target,
    metrics=("tone_agreement", "keyword_recall", "chrf", "distinct_2"),
)
