"""How much texts repeat themselves, one another, and what was learnt: literals in, literals out."""

import pytest

from stages.metrics.diversity import Memory, distinct, fresh, self_bleu


@pytest.mark.parametrize(
    ("text", "share"),
    [("a b c d", 1.0), ("a b a b a b", 0.5), ("раз два", 1.0), ("", 1.0), ("Да да да да да", 1 / 3)],
)
def test_fresh_is_the_share_of_new_triples_of_words(text, share):
    assert fresh(text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("texts", "length", "value"),
    [(["a b c", "d e f"], 2, 1.0), (["a b c", "A B d"], 2, 0.75), (["a b"] * 4, 2, 0.25), (["a", "b"], 3, 1.0)],
)
def test_distinct_counts_runs_over_all_texts(texts, length, value):
    told = distinct(texts, length, seed=1)
    assert told["value"] == value and told["low"] <= value <= told["high"]


def test_self_bleu_is_high_where_texts_are_alike_and_low_where_they_are_not():
    alike = self_bleu(["пицца была очень вкусная сегодня"] * 3, seed=1)
    apart = self_bleu(["пицца была очень вкусная сегодня", "one two three four five", "가 나 다 라 마"], seed=1)
    assert alike["value"] == pytest.approx(100.0) and apart["value"] < 5
    assert self_bleu(["a b c"], seed=1)["value"] == 0.0  # nothing to be alike to


def test_memory_finds_the_longest_run_and_whole_copies():
    memory = Memory(["Пицца была вкусная. Придём ещё!", "официант нагрубил нам"])
    assert memory.longest("Наша пицца была вкусная, придём сюда") == 4
    assert memory.longest("ещё официант") == 1  # a run lies within one text
    assert memory.longest("ицца") == memory.longest("") == 0  # words, not letters
    assert memory.copied("ПИЦЦА была вкусная — придём ещё") and not memory.copied("Пицца была вкусная")
