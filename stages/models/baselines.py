"""Cheap answers that every model has to beat, learnt from the recipe's own training rows."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from stages import centrality, summaries
from stages.models import linear

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)  # of a ridge's penalty
WORD = re.compile(r"\w+")


def baselines(free: bool, train: pl.DataFrame, test: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """(name, an answer to each test row), one after the other, so that each can be timed.

    Both tables hold rating, prompt and target; where they hold marks, the answers are marks. `free`: targets are free
    text.
    """
    if "mark" in train.columns:
        yield from marks(train, test)
        return
    if free:
        if train.height:
            yield "nearest_review", nearest_review(train, test)
        return
    prompts, targets = train["prompt"].to_list(), train["target"].to_list()
    yield "majority", [common(train)] * test.height
    if len(set(targets)) > 1:
        for kind in linear.TFIDF:
            yield kind, linear.fit(kind, prompts, targets).predict(test["prompt"].to_list())


def common(rows: pl.DataFrame) -> str:
    """The commonest target; of two as common the later by name."""
    return rows["target"].value_counts().sort("count", "target", descending=True)["target"][0]


def marks(train: pl.DataFrame, test: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """The commonest mark; ridge regression over TF-IDF of question and answer; and over how answer and guide overlap.

    The first ridge knows words that were right or wrong in training, so little of a new question; the second knows no
    word at all. Both tables hold question, guide, text, mark and target. Strengths are chosen by five-fold
    cross-validation over the training rows.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    yield "majority", [common(train)] * test.height
    words = TfidfVectorizer(**linear.TFIDF["tfidf_words"], sublinear_tf=True, max_features=linear.MOST_TERMS)
    asked = [[f"{q} {a}" for q, a in rows.select("question", "text").iter_rows()] for rows in (train, test)]
    ridge = make_pipeline(words, RidgeCV(STRENGTHS, cv=5)).fit(asked[0], train["mark"])
    yield "tfidf_ridge", [f"{mark:.4f}" for mark in ridge.predict(asked[1])]
    weight = TfidfVectorizer(token_pattern=r"\w+").fit([*train["text"], *train["guide"].unique().sort()])
    near = make_pipeline(StandardScaler(), RidgeCV(STRENGTHS, cv=5)).fit(overlaps(train, weight), train["mark"])
    yield "overlap_ridge", [f"{mark:.4f}" for mark in near.predict(overlaps(test, weight))]


def overlaps(rows: pl.DataFrame, weight: "TfidfVectorizer") -> np.ndarray:
    """(rows, 6): TF-IDF cosine of answer and guide; share of the guide's words that the answer has, of the answer's
    that the guide has and that the question has; log of the answer's words, and their number to the guide's.
    """
    answers, guides = (weight.transform(rows[column].to_list()) for column in ("text", "guide"))
    cosine = np.asarray(answers.multiply(guides).sum(axis=1)).ravel()
    found = []
    for texts in rows.select("text", "guide", "question").iter_rows():
        answer, guide, question = (set(WORD.findall(text.lower())) for text in texts)
        both, many = len(answer & guide), max(1, len(answer))
        of_guide = max(1, len(guide))
        found.append((both / of_guide, both / many, len(answer & question) / many, np.log(many), many / of_guide))
    return np.column_stack([cosine, np.array(found)])


def nearest_review(train: pl.DataFrame, test: pl.DataFrame) -> list[str]:
    """The training review whose prompt is nearest by TF-IDF, among those of the same rating where there are any."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

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


def extracts(rows: list[dict], seed: int) -> Iterator[tuple[str, list[str]]]:
    """(name, a summary of each gathered row), one after the other, so that each can be timed: of each category one
    sentence of the row's reviews, and its mean score.

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
    for name, choose in chosen.items():
        yield name, [_extract(row, choose) for row in rows]
    if any(row["references"] for row in rows):
        yield "rule", [summaries.write(_rule(row)) for row in rows]


def _extract(row: dict, choose: Callable[[list[str]], int]) -> str:
    rule, parts = _rule(row), {}
    for name, own in summaries.spoken(row["sentences"], tuple(row["categories"])).items():
        texts = [one["text"] for one in summaries.short(own)]
        parts[name] = (rule[name][0], texts[choose(texts)] if texts else row["silent"])
    return summaries.write(parts)


def _rule(row: dict) -> summaries.Parts:
    ratings = [one["rating"] for one in row["reviews"]]
    return summaries.by_rule(row["sentences"], tuple(row["categories"]), row["silent"], ratings)
