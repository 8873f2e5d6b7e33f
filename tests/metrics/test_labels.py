"""Labels against scikit-learn's own figures."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.metrics.labels import accuracy, codes, macro_f1, off_label

LABELS = ("negative", "neutral", "positive")


def test_accuracy_says_of_each_row_whether_it_is_right():
    said, meant = ["positive", "neutral", "neutral", ""], ["positive", "neutral", "negative", "positive"]
    assert accuracy(said, meant) == [True, True, False, False]


def test_what_is_none_of_the_labels_is_off():
    assert off_label(["positive", "Positive", "", "very positive", "neutral"], LABELS) == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_a_code_is_the_labels_number_and_above_the_last_for_no_label():
    assert codes(["positive", "negative", "blah"], LABELS).tolist() == [2, 0, 3]


def test_macro_f1_is_that_of_scikit_learn():
    draw = np.random.default_rng(5)
    said, true = draw.choice(LABELS, 200).tolist(), draw.choice(LABELS, 200, p=[0.2, 0.1, 0.7]).tolist()
    told = macro_f1(said, true, LABELS, seed=1)
    assert told["value"] == pytest.approx(f1_score(true, said, average="macro"), abs=1e-6)
    assert told["low"] < told["value"] < told["high"]


def test_an_answer_that_is_no_label_is_wrong_and_not_lost():
    said, true = ["positive", "blah", "negative"], ["positive", "positive", "negative"]
    expected = f1_score(true, said, average="macro", labels=["negative", "positive"])
    told = macro_f1(said, true, LABELS, seed=1)
    assert (told["value"], told["n"]) == (pytest.approx(expected, abs=1e-6), 3)


def test_a_label_that_no_target_has_is_left_out():
    assert macro_f1(["positive"] * 3, ["positive"] * 3, LABELS, seed=1)["value"] == 1.0
