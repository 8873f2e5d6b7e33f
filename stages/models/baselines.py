"""Cheap answers that every model has to beat, learnt from the recipe's own training rows."""

from collections.abc import Iterator

import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors

from stages.models import linear


def baselines(free: bool, train: pl.DataFrame, test: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """(name, an answer to each test row), one after the other, so that each can be timed.

    Both tables hold rating, prompt and target; `free`: targets are free text.
    """
    if free:
        if train.height:
            yield "nearest_review", nearest_review(train, test)
        return
    prompts, targets = train["prompt"].to_list(), train["target"].to_list()
    common = train["target"].value_counts().sort("count", "target", descending=True)["target"][0]
    yield "majority", [common] * test.height
    if len(set(targets)) > 1:
        for kind in linear.TFIDF:
            yield kind, linear.fit(kind, prompts, targets).predict(test["prompt"].to_list())


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
