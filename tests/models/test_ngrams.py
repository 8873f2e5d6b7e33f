"""The model of tags in a row: probabilities by hand, what it finds unusual, and that it is kept whole."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from stages.models import ngrams
from stages.sources import sample
from stages.tags import tagged

TEXTS = tagged(["Пицца была вкусная.", "Каша была холодная.", "Суп был вкусный."], "ru")


def fluency(text: str) -> tuple[float, float]:
    return ngrams.fit(TEXTS).fluency(tagged([text], "ru")[0])


def test_probabilities_are_those_of_the_rule_by_hand():
    model = ngrams.fit([["a", "b"]])  # a, b, </s>
    after = (1 + 3 * 1 / 4) / (3 + 3)  # each was seen once of three, three kinds, four with the unknown one
    for _ in range(3):  # each of the longer contexts was followed once, by one tag
        after = (1 + 1 * after) / (1 + 1)
    assert model.fluency(["a", "b"]) == (pytest.approx(math.log(after)), pytest.approx(math.log(after)))


def test_probabilities_of_all_followers_sum_to_one():
    model = ngrams.fit(TEXTS)
    known = {gram for gram in model.counts if " " not in gram}
    context = TEXTS[0][:2]
    total = sum(math.exp(model._log([*context, tag])) for tag in known)
    assert total + math.exp(model._log([*context, "new"])) == pytest.approx(1.0)


def test_a_text_is_judged_by_its_least_likely_quarter():
    model = ngrams.fit([list("abcdefg")] * 20)  # with its end eight tags, of which two are asked
    usual, broken = model.fluency(list("abcdefg"))[0], model.fluency(list("abcXefg"))[0]
    row = ["a", "b", "c", "X", "e", "f", "g", "</s>"]
    logs = sorted(model._log((["<s>"] * 3 + row)[at : at + 4]) for at in range(8))
    assert broken == pytest.approx(sum(logs[:2]) / 2) and usual > broken + 2


def test_what_agrees_is_likelier_than_what_does_not_whatever_the_words():
    assert fluency("Каша была вкусная.")[0] > fluency("Каша был вкусный.")[0] + 0.3
    assert fluency("Лапша была свежая.") == fluency("Каша была вкусная.")


def test_a_full_stop_ends_a_text_and_nothing_at_all_is_rated_too():
    assert fluency("Пицца была вкусная.")[1] > fluency("Пицца была")[1] + 1
    assert fluency("")[1] < 0


def test_words_out_of_order_and_glued_halves_are_heard_among_real_reviews():
    texts = [text for text in sample.generate("places", 4000, seed=3)["text"] if text and len(text.split()) > 8]
    learnt, held = texts[:2500], texts[2500:]
    model, mixed = ngrams.fit(tagged(learnt, "ru")), random.Random(1)

    def heard(broken: list[str]) -> np.ndarray:
        return np.array([model.fluency(tags)[0] for tags in tagged(broken, "ru")])

    bound = np.quantile(heard(held), 0.05)
    words = [text.split() for text in held]
    shuffled = [" ".join(mixed.sample(one, len(one))) for one in words]
    glued = [" ".join(a[: len(a) // 2] + b[len(b) // 2 :]) for a, b in pairwise(words)]
    assert (heard(shuffled) < bound).mean() > 0.95
    assert (heard(glued) < bound).mean() > 0.08  # twice as often as whole ones; most halves do go together


def test_what_is_saved_is_what_was_fitted(tmp_path):
    model = ngrams.fit(TEXTS)
    ngrams.save(model, tmp_path)
    assert ngrams.load(tmp_path) == model
