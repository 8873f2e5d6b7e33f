"""Which copies go: literals in, reasons out."""

import polars as pl
import pytest

from stages.duplicates import FORMULA, Prints, collapse, fingerprints

LONG = "этот фильм я смотрел дважды"


def reasons(*rows: tuple[str, int], threshold: float | None = 0.8) -> list[str | None]:
    texts, ratings = (
        pl.Series([text for text, _ in rows], dtype=pl.String),
        pl.Series([star for _, star in rows], dtype=pl.Int8),
    )
    return collapse(texts, ratings, fingerprints(texts, threshold), threshold).to_list()


def test_the_first_of_equal_texts_stays():
    assert reasons(("так себе", 3), ("иное", 3), ("так себе", 3)) == [None, None, "duplicate"]


def test_equal_words_are_near_duplicates_however_they_are_pointed():
    assert reasons((LONG, 5), (LONG.upper() + "!!", 5), ("Этот фильм... я смотрел дважды", 4)) == [
        None, "near_duplicate", "near_duplicate",
    ]  # fmt: skip
    assert reasons((LONG, 5), (LONG + "!", 5), threshold=None) == [None, None]


def test_opposite_ratings_of_a_long_text_take_every_copy():
    assert reasons((LONG, 1), ("иное", 3), (LONG + "!", 5), (LONG, 3)) == [
        "contradictory",
        None,
        "contradictory",
        "contradictory",
    ]


@pytest.mark.parametrize(("one", "other"), [(2, 3), (3, 4), (4, 5), (1, 2)])
def test_neighbouring_ratings_do_not_contradict(one, other):
    assert reasons((LONG, one), (LONG, other)) == [None, "duplicate"]


def test_of_a_formula_only_the_outvoted_side_contradicts():
    assert reasons(("최고", 1), ("최고", 5), ("최고!", 5), ("최고", 3)) == [
        "contradictory",
        None,
        "near_duplicate",
        "duplicate",
    ]
    assert reasons(("최고", 1), ("최고", 5)) == ["contradictory"] * 2
    assert reasons(("x" * FORMULA, 1), *[("x" * FORMULA, 5)] * 3) == ["contradictory"] * 4
    assert reasons(("x" * (FORMULA - 1), 1), *[("x" * (FORMULA - 1), 5)] * 2) == ["contradictory", None, "duplicate"]


def test_a_copy_of_a_contradictory_row_is_no_duplicate_of_it():
    near = LONG + " и ещё раз посмотрю, очень понравилось, всем советую от души"
    assert reasons((near, 1), (near, 5), (near + " да", 5)) == ["contradictory", "contradictory", None]


def test_prints_of_parts_are_the_prints_of_the_whole():
    texts = pl.Series([f"слово {n} и дело {n * 7}" for n in range(50)])
    whole = fingerprints(texts, 0.8)
    parts = Prints.concat([fingerprints(texts.slice(at, 7), 0.8) for at in range(0, 50, 7)])
    for name in Prints.__annotations__:
        assert (getattr(whole, name) == getattr(parts, name)).all()
    empty = fingerprints(texts.head(0), 0.8)
    assert empty.minima.shape == (0, whole.minima.shape[1]) and empty.bands.shape == (0, whole.bands.shape[1])
    assert reasons() == []


def test_equal_answers_to_two_questions_are_two_texts():
    texts, ratings = pl.Series([LONG, LONG, LONG + "!", LONG]), pl.Series([1, 5, 5, 1], dtype=pl.Int8)

    def told(*questions: str | None) -> list[str | None]:
        return collapse(
            texts, ratings, fingerprints(texts, 0.8, of=pl.Series(questions, dtype=pl.String)), 0.8
        ).to_list()

    assert told("a", "b", "c", "d") == [None] * 4
    assert told("a", "b", "b", "a") == [None, None, "near_duplicate", "duplicate"]
    assert told("a", "a", "b", None) == ["contradictory", "contradictory", None, None]
    assert told(None, None, None, None) == ["contradictory"] * 4


def test_without_questions_no_hash_changes():
    texts = pl.Series([LONG, "иное", LONG])
    plain, none = fingerprints(texts, 0.8), fingerprints(texts, 0.8, of=pl.Series([None] * 3, dtype=pl.String))
    mixed = fingerprints(texts, 0.8, of=pl.Series([None, "a", "b"]))
    for name in Prints.__annotations__:
        assert (getattr(plain, name) == getattr(none, name)).all()
    assert (mixed.minima[0] == plain.minima[0]).all() and not (mixed.minima[0] == mixed.minima[2]).any()
