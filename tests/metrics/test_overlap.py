"""Overlap against sacrebleu's own figure; repetition by hand."""

import pytest
from sacrebleu import sentence_chrf

from stages.metrics.overlap import chrf, distinct_2

PAIRS = [("Пицца была холодной.", "Пиццу ждали час, она холодная."), ("Lovely ending.", "Lovely ending."), ("", "Да.")]


def test_chrf_is_sacrebleus_sentence_score():
    said, meant = (list(side) for side in zip(*PAIRS, strict=True))
    expected = [sentence_chrf(a, [b]).score for a, b in PAIRS]
    assert expected[1:] == [100.0, 0.0]
    assert chrf(said, meant) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("a b c d", 1.0),  # ab bc cd
        ("a b a b", 2 / 3),  # ab ba ab
        ("no no no no no", 0.25),
        ("Very very VERY", 0.5),  # case is no difference
        ("one", 1.0),
        ("", 0.0),
    ],
)
def test_distinct_2_is_the_share_of_new_word_pairs(text, share):
    assert distinct_2([text]) == [pytest.approx(share)]


def test_distinct_2_does_not_count_what_two_texts_share():
    assert distinct_2(["a b c", "a b c"]) == [1.0, 1.0]
