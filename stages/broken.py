"""People's reviews broken on purpose, one fault each, to ask whether a judge hears it."""

from collections.abc import Callable

import numpy as np
import polars as pl

from stages.lemmas import lemmas_of
from stages.stars import tone

# fault → the criterion that should hear it
FAULTS = {
    "wrong_rating": "fits_tone",
    "wrong_rubric": "fits_rubric",
    "shuffled_words": "holds_together",
    "spliced": "holds_together",
    "wrong_form": "holds_together",
    "cut_short": "holds_together",
    "repeated": "holds_together",
    "missing_keywords": "keywords_said",
}
FEWEST_WORDS = 6  # shuffled or cut, a shorter text may still be a good one


def broken(
    rows: pl.DataFrame, foreign: list[str | None], language: str, seed: int
) -> dict[str, tuple[pl.DataFrame, list[str]]]:
    """fault → (requests, texts): rows (rating, rubrics, keywords, text) where the fault can be made.

    foreign: for each row rubrics of another kind of place, null where there are none.
    """
    random = np.random.default_rng(seed)
    texts = rows["text"].to_list()
    other = rows["keywords"].shuffle(seed=seed)
    long = rows.filter(pl.col("text").str.split(" ").list.len() >= FEWEST_WORDS)
    ends = iter(long["text"].shuffle(seed=seed).to_list())
    forms = _forms(long["text"].to_list(), language)

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
        "spliced": spoilt(lambda words: words[: len(words) // 2] + _second_half(next(ends).split())),
        "wrong_form": spoilt(lambda words: _one_other_form(words, forms, random)),
        "cut_short": spoilt(lambda words: [*words[: len(words) // 2], words[len(words) // 2].rstrip(".,!?…")]),
        "repeated": spoilt(lambda words: words + words),
        "missing_keywords": (apart, apart["text"].to_list()),
    }


def _other_tone(rating: int, random: np.random.Generator) -> int:
    return int(random.choice([one for one in range(1, 6) if tone(one) != tone(rating)]))


def _second_half(words: list[str]) -> list[str]:
    return words[len(words) // 2 :]


def _one_other_form(words: list[str], forms: dict[str, list[str]], random: np.random.Generator) -> list[str]:
    """The words with one of them in another form, which may happen to agree too; as they are where none has one."""
    inflected = [at for at, word in enumerate(words) if word in forms]
    if not inflected:
        return words
    at = int(random.choice(inflected))
    return [*words[:at], str(random.choice(forms[words[at]])), *words[at + 1 :]]


def _forms(texts: list[str], language: str) -> dict[str, list[str]]:
    """Each word (lower case, no mark at it) → the other forms of its lemma in the texts."""
    words = sorted({word for text in texts for word in text.split() if word.isalpha() and word.islower()})
    of_lemma: dict[str, list[str]] = {}
    for word, found in zip(words, lemmas_of(words, language), strict=True):
        if len(found) == 1:  # Korean: a word of one morpheme
            of_lemma.setdefault(found[0], []).append(word)
    return {word: [one for one in alike if one != word] for alike in of_lemma.values() for word in alike if alike[1:]}
