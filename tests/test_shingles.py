"""Texts as numbers, compared with sets made in plain Python."""

import itertools

import polars as pl

from stages import shingles
from stages.shingles import SHINGLE, words

TEXTS = [
    "Так себе!",
    "так  СЕБЕ",
    "",
    "ок",
    "О к",
    "최고의 영화였다 정말",
    "x" * 400,
    "так себя",
    "Ⅷ 8",
    None,
    "и\u0306й",
]


def test_equal_words_have_equal_hashes_and_others_have_not():
    whole, _, _ = words(pl.Series(TEXTS))
    groups = [[n for n, other in enumerate(whole) if other == one] for one in whole]
    assert groups == [[0, 1], [0, 1], [2, 9], [3, 4], [3, 4], [5], [6], [7], [8], [2, 9], [10]]


def test_shingles_are_those_of_the_words():
    _, hashed, starts = words(pl.Series(TEXTS))
    sizes = [stop - start for start, stop in itertools.pairwise(starts)]
    assert sizes == [max(1, n - SHINGLE + 1) for n in (7, 7, 0, 2, 2, 9, 400, 7, 2, 0, 3)]
    sets = [set(hashed[a:b].tolist()) for a, b in itertools.pairwise(starts)]
    assert sets[0] == sets[1] and len(sets[6]) == 1
    assert len(sets[0] & sets[7]) == 2, "таксе аксеб are shared, ксебе is not"
    assert not sets[3] & sets[2]


def test_hashes_are_the_same_for_ever_and_in_any_cut(monkeypatch):
    whole, hashed, _ = words(pl.Series(["Так себе", "좋다"]))
    assert (whole.tolist(), hashed.tolist()) == FOR_EVER
    before = [one.tolist() for one in words(pl.Series(TEXTS))]
    monkeypatch.setattr(shingles, "STEP", 3)
    assert [one.tolist() for one in words(pl.Series(TEXTS))] == before


FOR_EVER = ([11889378025667885446, 15260140077845495586], [96387150, 1965351956, 3514556309, 3553028236])
