"""The trigram model: probabilities by hand, what it finds unusual, and that it is kept whole."""

import math

import pytest

from stages.models import ngrams

TEXTS = ["пицца была вкусная.", "пицца была холодная.", "суп был вкусный."]


def test_probabilities_are_those_of_the_rule_by_hand():
    model = ngrams.fit(["a b"])  # tokens a, b, </s>
    empty = (1 + 3 * 1 / 4) / (3 + 3)  # each was seen once of three, three kinds, four with the unknown one
    after_start = (1 + 1 * empty) / (1 + 1)
    first = (1 + 1 * after_start) / (1 + 1)
    mean, end = model.fluency("a b")
    assert mean == pytest.approx(math.log(first)) and end == pytest.approx(math.log(first))


def test_probabilities_of_all_followers_sum_to_one():
    model = ngrams.fit(TEXTS)
    known = {gram for gram in model.counts if " " not in gram}
    total = sum(math.exp(model._log(["пицца", "была", word])) for word in known)
    assert total + math.exp(model._log(["пицца", "была", "новое"])) == pytest.approx(1.0)


def test_a_known_order_is_likelier_than_a_shuffled_one_and_a_full_stop_ends_a_text():
    model = ngrams.fit(TEXTS)
    assert model.fluency("Пицца была вкусная.")[0] > model.fluency("вкусная . была Пицца")[0] + 1
    assert model.fluency("пицца была вкусная.")[1] > model.fluency("пицца была")[1] + 1
    assert model.fluency("")[1] < 0  # nothing at all is rated too


def test_what_is_saved_is_what_was_fitted(tmp_path):
    model = ngrams.fit(TEXTS)
    ngrams.save(model, tmp_path)
    assert ngrams.load(tmp_path) == model
