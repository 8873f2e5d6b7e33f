"""Near-duplicates against brute force: sets of shingles made and compared in plain Python."""

import itertools
import random

import numpy as np
import polars as pl
import pytest

from stages import minhash
from stages.minhash import MINIMA, bands, candidates, firsts, rows_of_band, signatures, similar
from stages.shingles import SHINGLE, words

WORDS = [
    "кино", "фильм", "сюжет", "актёр", "очень", "хорошо", "плохо", "скучно", "весело", "смотреть", "жаль", "советую",
    "the", "plot", "was", "thin", "영화", "최고",
]  # fmt: skip


def table(rows: int, seed: int) -> list[str]:
    """Random texts, and near each a few edited copies."""
    rng = random.Random(seed)
    texts = []
    while len(texts) < rows:
        text = rng.choices(WORDS, k=rng.randint(3, 40))
        for _ in range(rng.randint(1, 4)):
            texts.append(" ".join(text))
            text = list(text)
            text[rng.randrange(len(text))] = rng.choice(WORDS)
    rng.shuffle(texts)
    return texts[:rows]


def shingles(text: str) -> set[str]:
    plain = "".join(one for one in text.lower() if one.isalnum())
    return {plain[n : n + SHINGLE] for n in range(max(1, len(plain) - SHINGLE + 1))}


def brute(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    sets = [shingles(text) for text in texts]
    pairs = itertools.combinations(range(len(texts)), 2)
    return {(a, b) for a, b in pairs if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= threshold}


def found(texts: list[str], threshold: float, seed: int = 1) -> set[tuple[int, int]]:
    series = pl.Series(texts, dtype=pl.String)
    _, hashed, starts = words(series)
    minima = signatures(hashed, starts, seed)
    return set(map(tuple, similar(candidates(bands(minima, threshold)), minima, series, threshold).tolist()))


@pytest.mark.parametrize(("threshold", "seed"), [(0.5, 1), (0.7, 2), (0.8, 1), (0.8, 2), (0.9, 1)])
def test_every_pair_found_is_one_and_nearly_every_one_is_found(threshold, seed):
    texts = table(700, seed)
    true, got = brute(texts, threshold), found(texts, threshold, seed)
    assert len(true) > 100
    assert got <= true, "verified pairs must be exact"
    assert len(got) / len(true) > 0.95


def test_agreement_of_minima_estimates_jaccard():
    texts = table(200, 3)
    _, hashed, starts = words(pl.Series(texts))
    minima = signatures(hashed, starts)
    sets = [shingles(text) for text in texts]
    errors = [
        (minima[a] == minima[b]).mean() - len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        for a, b in itertools.combinations(range(200), 2)
    ]
    assert abs(np.mean(errors)) < 0.01
    assert np.sqrt(np.mean(np.square(errors))) < 0.04


@pytest.mark.parametrize(("threshold", "rows"), [(0.6, 2), (0.8, 3), (0.9, 5), (1.0, 8)])
def test_bands_miss_at_most_one_pair_in_ten_thousand(threshold, rows):
    assert rows_of_band(threshold) == rows
    assert (1 - threshold**rows) ** (MINIMA // rows) <= minhash.MISSED
    assert bands(np.zeros((3, MINIMA), np.uint32), threshold).shape == (3, MINIMA // rows)


def test_a_text_in_a_thousand_spellings_is_one():
    texts = ["так себе" + "!" * n for n in range(1000)]
    series = pl.Series(texts)
    _, hashed, starts = words(series)
    minima = signatures(hashed, starts)
    pairs = candidates(bands(minima, 0.8))
    assert len(pairs) < 1000 * minhash.NEIGHBOURS
    assert not firsts(1000, similar(pairs, minima, series, 0.8)).any()


def test_small_steps_change_nothing(monkeypatch):
    texts = table(150, 5)
    before = found(texts, 0.8)
    monkeypatch.setattr(minhash, "STEP", 10)
    monkeypatch.setattr(minhash, "PAIRS", 64)
    assert before == found(texts, 0.8)


def test_ties_reach_the_first_of_a_chain():
    pairs = np.array([[3, 4], [1, 2], [2, 4], [6, 7]])
    assert firsts(8, pairs).tolist() == [0, 1, 1, 1, 1, 5, 6, 6]
    assert firsts(3, np.empty((0, 2), np.int64)).tolist() == [0, 1, 2]


def test_some_rows_in_an_order_of_their_own_are_paired_by_their_places():
    banded = np.array([[7, 1], [2, 5], [7, 3], [9, 5], [7, 5]], np.uint32)
    assert candidates(banded).tolist() == [[0, 2], [0, 4], [1, 3], [1, 4], [2, 4], [3, 4]]
    assert candidates(list(banded.T), np.array([4, 1, 0])).tolist() == [[0, 1], [0, 2]]


def test_nothing_and_one_text():
    assert found([], 0.8) == found(["так себе"], 0.8) == set()
