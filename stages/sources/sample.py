"""The bundled synthetic corpora: Russian reviews of places, English reviews of films, English answers to questions.

Written for this project, so nobody's words are in it; grown from a seed, so nothing need be downloaded or stored.
What dirt is planted in each, and how much of each kind, stands in `dirt.planted`.
"""

import random
from collections.abc import Callable
from functools import partial
from types import ModuleType

import polars as pl

from stages.schema import RAW
from stages.sources import answers, dirt, films, places, review

PER_SUBJECT = 6  # reviews of a place or film on average; most have one or two, some forty


def generate(corpus: str, rows: int, seed: int, per_subject: int = PER_SUBJECT) -> pl.DataFrame:
    """`rows` raw rows of one corpus, planted dirt included: the columns of `schema.RAW`, all text.

    per_subject: reviews of a place or film on average. The same arguments give the same table. No two reviews have the
    same text, and no two answers to one question, save the planted duplicates. Reviews have no split, question or
    guide, answers no group and no rubrics.
    Raises KeyError for a corpus that there is not.
    """
    rng = random.Random(f"{corpus} {seed}")
    write = CORPORA[corpus](rng, rows, per_subject)
    table, clean = [], []
    for row, spoiled in enumerate(_layout(rng, corpus, rows)):
        record = dict.fromkeys(RAW) | write() | {"id": f"{corpus[0]}{row + 1:06}"}
        if spoiled:
            record = dirt.spoil(rng, corpus, spoiled, record, clean)
        else:
            clean.append(record)
        table.append(record)
    return pl.DataFrame(table, schema=RAW)


def _reviews(kind: ModuleType, rng: random.Random, rows: int, per_subject: int) -> Callable[[], dict]:
    """A function that writes the next review, no two alike."""
    subjects = kind.subjects(rng, max(1, rows // per_subject))
    weights = [min(16.0, rng.paretovariate(1.0)) for _ in subjects]
    reviewed = rng.choices(subjects, weights, k=rows)
    ratings = rng.choices(list(review.SHARES), review.SHARES.values(), k=rows)
    drawn, written = zip(reviewed, ratings, strict=True), set()

    def write() -> dict:
        subject, stars = next(drawn)
        text = review.compose(rng, kind.phrases, subject, stars)
        while text in written:
            text = review.compose(rng, kind.phrases, subject, stars)
        written.add(text)
        rating = rng.choice(kind.RATINGS[stars])
        return {"group": subject.group, "rubrics": subject.rubrics, "rating": rating, "text": text}

    return write


CORPORA = {
    "places": partial(_reviews, places),
    "films": partial(_reviews, films),
    "answers": lambda rng, rows, per_subject: answers.writer(rng, rows),
}


def _layout(rng: random.Random, corpus: str, rows: int) -> list[str | None]:
    """How each row is spoiled, if at all; the first is clean, for duplicates repeat earlier rows."""
    spoiled = [kind for kind, count in dirt.planted(corpus, rows).items() for _ in range(count)]
    rest = spoiled + [None] * (rows - 1 - len(spoiled))
    rng.shuffle(rest)
    return [None, *rest]
