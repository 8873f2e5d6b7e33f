"""Summary by category: from the reviews of one place, a score and a sentence for each category.

Row     {"categories": ["еда", "люди"], "silent": "не пишут", "reviews": [{"rating": 5, "text": "Плов чудесный. Уютно."}, {"rating": 2, "text": "Плов остыл."}], "sentences": [{"category": "еда", "rating": 5, "review": 0, "text": "Плов чудесный."}, {"category": "еда", "rating": 2, "review": 1, "text": "Плов остыл."}], "references": [], "copy": 0}
Prompt  summary of еда, люди | rating 5 Плов чудесный. Уютно. | rating 2 Плов остыл.
Target  еда: 6 | Плов чудесный. | люди: 6 | не пишут

Where people have written summaries of the group, their texts are the target, a draw of the group taking one of them;
elsewhere `summaries.by_rule` builds it. Scores are always the rule's, for people gave none.
"""  # noqa: E501

from stages import summaries
from stages.tasks import Task


def prompt(row: dict) -> str:
    """The categories in their order, then each review with its rating; bars part them, so no review may hold one."""
    reviews = (f"rating {one['rating']} {one['text'].replace('|', '/')}" for one in row["reviews"])
    return summaries.BAR.join([f"summary of {', '.join(row['categories'])}", *reviews])


def target(row: dict) -> str:
    names, ratings = tuple(row["categories"]), [one["rating"] for one in row["reviews"]]
    parts = summaries.by_rule(row["sentences"], names, row["silent"], ratings)
    for name, (score, _) in parts.items():
        if written := [one["text"] for one in row["references"] if one["category"] == name]:
            parts[name] = (score, written[row["copy"] % len(written)])
    return summaries.write(parts)


TASK = Task(
    name="review_summary",
    version=1,
    columns=("categories", "silent", "reviews", "sentences", "references", "copy"),
    prompt=prompt,
    target=target,
    metrics=(
        "rouge_l", "rouge_1", "rouge_2", "rouge_l_best", "aspect_coverage", "score_error", "supported", "malformed",
        "repeated",
    ),
    group="group",
)  # fmt: skip
