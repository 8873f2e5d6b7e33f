import pytest
from sklearn.metrics import cohen_kappa_score

from stages.metrics.agreement import kappa, tone_agreement


def test_one_and_two_are_one_tone_and_four_and_five_another():
    told = tone_agreement(asked=[1, 2, 4, 5, 3], heard=[2, 1, 5, 4, 3])
    assert (told["value"], told["n"]) == (1.0, 5)


def test_three_is_a_tone_of_its_own():
    assert tone_agreement(asked=[3, 2, 4, 5], heard=[2, 3, 3, 4])["value"] == 0.25


@pytest.mark.parametrize(
    ("first", "second"),
    [([1, 1, 0, 0], [1, 1, 0, 0]), ([1, 1, 0, 0], [1, 0, 1, 0]), ([1, 1, 1, 0, 0, 1], [1, 0, 1, 0, 1, 1])],
)
def test_kappa_is_scikit_learns(first, second):
    told = kappa([bool(one) for one in first], [bool(one) for one in second], seed=1)
    assert told["value"] == pytest.approx(cohen_kappa_score(first, second), abs=1e-6) and told["n"] == len(first)


def test_two_who_always_say_the_same_word_show_nothing():
    assert kappa([True] * 3, [True] * 3, seed=1)["value"] == 0.0
