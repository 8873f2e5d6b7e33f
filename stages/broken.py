"""People's reviews broken on purpose, one fault each, to ask whether a judge hears it."""

from collections.abc import Callable

import numpy as np
import polars as pl

from stages.stars import tone

# fault → the criterion that should hear it
FAULTS = {
    "wrong_rating": "fits_tone",
    "wrong_rubric": "fits_rubric",
    "shuffled_words": "holds_together",
    "cut_short": "holds_together",
    "repeated": "holds_together",
    "missing_keywords": "keywords_said",
}
FEWEST_WORDS = 6  # shuffled or cut, a shorter text may still be a good one


def broken(rows: pl.DataFrame, foreign: list[str | None], seed: int) -> dict[str, tuple[pl.DataFrame, list[str]]]:
    """fault → (requests, texts): rows (rating, rubrics, keywords, text) where the fault can be made.

    foreign: for each row rubrics of another kind of place, null where there are none.
    """
    random = np.random.default_rng(seed)
    texts = rows["text"].to_list()
    other = rows["keywords"].shuffle(seed=seed)
    long = rows.filter(pl.col("text").str.split(" ").list.len() >= FEWEST_WORDS)

    def spoilt(spoil: Callable[[list[str]], list[str]]) -> tuple[pl.DataFrame, list[str]]:
        return long, [" ".join(spoil(text.split())) for text in long["text"].to_list()]

    wrong = [_other_tone(rating, random) for rating in rows["rating"].to_list()]
    foreign_rows = rows.with_columns(rubrics=pl.Series(foreign, dtype=pl.String))
    known = pl.Series([one is not None for one in foreign])
    apart = rows.with_columns(keywords=other).filter(
        (other.list.len() > 0) & (rows["keywords"].list.set_intersection(other).list.len() == 0)
    )
    return {
        "wrong_rating": (rows.with_columns(rating=pl.Series(wrong, dtype=pl.Int8)), texts),
        "wrong_rubric": (foreign_rows.filter(known), rows.filter(known)["text"].to_list()),
        "shuffled_words": spoilt(lambda words: list(random.permutation(words))),
        "cut_short": spoilt(lambda words: [*words[: len(words) // 2], words[len(words) // 2].rstrip(".,!?…")]),
        "repeated": spoilt(lambda words: words + words),
        "missing_keywords": (apart, apart["text"].to_list()),
    }


def _other_tone(rating: int, random: np.random.Generator) -> int:
    return int(random.choice([one for one in range(1, 6) if tone(one) != tone(rating)]))
