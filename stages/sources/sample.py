"""The bundled synthetic corpora: Russian reviews of places, English reviews of films, with planted dirt.

Written for this project, so nobody's reviews are in it; grown from a seed, so nothing need be downloaded or stored.
What dirt is planted, and how much of each kind, stands in `dirt.planted`.
"""

import random

import polars as pl

from stages.schema import RAW
from stages.sources import dirt, films, places, review

CORPORA = {"places": places, "films": films}


def generate(corpus: str, rows: int, seed: int, per_subject: int = 6) -> pl.DataFrame:
    """`rows` raw reviews of one corpus, planted dirt included: the columns of `schema.RAW`, all text, `split` null.

    per_subject: reviews of a place or film on average; with 6 most have one or two, some forty.
    The same corpus, rows, seed and per_subject give the same table. No two reviews have the same text, save the
    planted duplicates.
    Raises KeyError for a corpus that there is not.
    """
    kind, rng = CORPORA[corpus], random.Random(f"{corpus} {seed}")
    subjects = kind.subjects(rng, max(1, rows // per_subject))
    weights = [min(16.0, rng.paretovariate(1.0)) for _ in subjects]
    reviewed = rng.choices(subjects, weights, k=rows)
    ratings = rng.choices(list(review.SHARES), review.SHARES.values(), k=rows)
    table, texts, written = [], [], set()
    for row, (subject, stars, spoiled) in enumerate(zip(reviewed, ratings, _layout(rng, corpus, rows), strict=True)):
        text = review.compose(rng, kind.phrases, subject, stars)
        while text in written:
            text = review.compose(rng, kind.phrases, subject, stars)
        written.add(text)
        record = {
            "id": f"{corpus[0]}{row + 1:06}",
            "group": subject.group,
            "rubrics": subject.rubrics,
            "rating": rng.choice(kind.RATINGS[stars]),
            "text": text,
            "split": None,
        }
        if spoiled:
            record = dirt.spoil(rng, corpus, spoiled, record, texts)
        else:
            texts.append(text)
        table.append(record)
    return pl.DataFrame(table, schema=RAW)


def _layout(rng: random.Random, corpus: str, rows: int) -> list[str | None]:
    """How each row is spoiled, if at all; the first is clean, for duplicates repeat earlier rows."""
    spoiled = [kind for kind, count in dirt.planted(corpus, rows).items() for _ in range(count)]
    rest = spoiled + [None] * (rows - 1 - len(spoiled))
    rng.shuffle(rest)
    return [None, *rest]
