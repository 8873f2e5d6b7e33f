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


def rivals(row: dict, other: dict) -> list[dict]:
    """The same request with each other rating, and with another row's rubrics."""
    ratings = [row | {"rating": rating} for rating in range(1, 6) if rating != row["rating"]]
    apart = row["rubrics"] and other["rubrics"] and other["rubrics"] != row["rubrics"]
    return ratings + ([row | {"rubrics": other["rubrics"]}] if apart else [])


TASK = Task(
    name="review_generation",
    version=1,
    columns=("rating", "rubrics", "keywords", "text"),
    prompt=prompt,
    target=target,
    metrics=(
        "right",
        "fits_rubric",
        "fits_tone",
        "holds_together",
        "keywords_said",
        "tone_agreement",
        "keyword_recall",
        "chrf",
        "distinct_2",
        "distinct_3_corpus",
        "self_bleu",
        "longest_copy",
        "copies",
        "words",
    ),
    rivals=rivals,
)
