"""Cheap answers that every model has to beat, learnt from the recipe's own training rows."""

from collections.abc import Callable

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors

from stages import centrality, summaries
from stages.models import linear


def baselines(free: bool, train: pl.DataFrame, test: pl.DataFrame) -> dict[str, list[str]]:
    """name → an answer to each test row. Both tables hold rating, prompt and target; `free`: targets are free text."""
    if free:
        return {"nearest_review": nearest_review(train, test)} if train.height else {}
    prompts, targets = train["prompt"].to_list(), train["target"].to_list()
    common = train["target"].value_counts().sort("count", "target", descending=True)["target"][0]
    told = {"majority": [common] * test.height}
    if len(set(targets)) > 1:
        told |= {kind: linear.fit(kind, prompts, targets).predict(test["prompt"].to_list()) for kind in linear.TFIDF}
    return told


def nearest_review(train: pl.DataFrame, test: pl.DataFrame) -> list[str]:
    """The training review whose prompt is nearest by TF-IDF, among those of the same rating where there are any."""
    answers = [""] * test.height
    test = test.with_row_index("_at")
    for (rating,), asked in test.group_by("rating", maintain_order=True):
        known = train.filter(rating=rating) if rating in train["rating"] else train
        vectorizer = TfidfVectorizer(token_pattern=r"\w+")
        index = NearestNeighbors(n_neighbors=1, metric="cosine").fit(
            vectorizer.fit_transform(known["prompt"].to_list())
        )
        found = index.kneighbors(vectorizer.transform(asked["prompt"].to_list()), return_distance=False)[:, 0]
        for at, row in zip(asked["_at"], found.tolist(), strict=True):
            answers[at] = known["target"][row]
    return answers


def extracts(rows: list[dict], seed: int) -> dict[str, list[str]]:
    """name → a summary of each gathered row, made of its reviews' sentences: one of each category, and its mean score.

    lead: the first sentence of the category. random: any. lexrank: the most central (Erkan and Radev 2004), which on
    targets built by rule stands close to the rule itself, for that takes a central sentence too. rule: what the rule
    builds (summaries.by_rule), where people's summaries are what is measured against.
    """
    random = np.random.default_rng(seed)
    chosen = {
        "lead": lambda texts: 0,
        "random": lambda texts: int(random.integers(len(texts))),
        "lexrank": lambda texts: int(np.argmax(centrality.lexrank(texts))),
    }
    told = {name: [_extract(row, choose) for row in rows] for name, choose in chosen.items()}
    return told | (
        {"rule": [summaries.write(_rule(row)) for row in rows]} if any(r["references"] for r in rows) else {}
    )


def _extract(row: dict, choose: Callable[[list[str]], int]) -> str:
    rule, parts = _rule(row), {}
    for name, own in summaries.spoken(row["sentences"], tuple(row["categories"])).items():
        texts = [one["text"] for one in summaries.short(own)]
        parts[name] = (rule[name][0], texts[choose(texts)] if texts else row["silent"])
    return summaries.write(parts)


def _rule(row: dict) -> summaries.Parts:
    ratings = [one["rating"] for one in row["reviews"]]
    return summaries.by_rule(row["sentences"], tuple(row["categories"]), row["silent"], ratings)
