"""Review generation: from a rating, rubrics and keywords, write the review.

Row     {"rating": 2, "rubrics": "Кафе;Пиццерия", "keywords": ["пицца", "официант"], "text": "Пиццу ждали час."}
Prompt  rating 2 | rubrics Кафе;Пиццерия | keywords пицца, официант
Target  Пиццу ждали час.
"""

from stages.stars import tone
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
    """The same request with the nearest rating of each other tone, without rubrics, and with those of another row."""
    distance = {rating: abs(rating - row["rating"]) for rating in (2, 3, 4) if tone(rating) != tone(row["rating"])}
    nearest = {tone(rating): rating for rating in sorted(distance, key=distance.get, reverse=True)}
    rubrics = dict.fromkeys((None, other["rubrics"])) if row["rubrics"] else {}
    return [row | {"rating": one} for one in nearest.values()] + [
        row | {"rubrics": one} for one in rubrics if one != row["rubrics"]
    ]


TASK = Task(
    name="review_generation",
    version=1,
    columns=("rating", "rubrics", "keywords", "text"),
    prompt=prompt,
    target=target,
    metrics=(
        "right",
        "right_rare",
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
