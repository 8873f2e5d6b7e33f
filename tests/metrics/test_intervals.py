"""Known intervals, and what an interval must be whatever the numbers are."""

import numpy as np
import pytest

from stages.metrics import intervals


def test_wilsons_interval_of_a_share():
    assert intervals.share([True] * 87 + [False] * 13) == {"value": 0.87, "low": 0.790196, "high": 0.922428, "n": 100}


@pytest.mark.parametrize(
    ("hits", "low", "high"), [([True] * 10, 0.722467, 1.0), ([False] * 10, 0.0, 0.277533), ([True], 0.206549, 1.0)]
)
def test_a_share_of_all_or_none_has_an_interval_too(hits, low, high):
    told = intervals.share(hits)
    assert (told["low"], told["high"], told["n"]) == (pytest.approx(low, abs=2e-6), pytest.approx(high), len(hits))


def test_the_bootstraps_interval_of_a_mean_is_near_the_normal_one():
    values = np.random.default_rng(1).normal(5, 2, 400)
    told = intervals.mean(values.tolist(), seed=3)
    half = 1.96 * values.std() / 20
    assert told["value"] == round(float(values.mean()), 6)
    assert told["low"] == pytest.approx(values.mean() - half, abs=0.04)
    assert told["high"] == pytest.approx(values.mean() + half, abs=0.04)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(2)
    told = [intervals.mean(draw.normal(0, 1, 40).tolist(), seed=7) for _ in range(100)]
    assert 88 <= sum(one["low"] <= 0 <= one["high"] for one in told) <= 99


def test_one_value_is_its_own_interval():
    assert intervals.mean([0.25], seed=1) == {"value": 0.25, "low": 0.25, "high": 0.25, "n": 1}


def test_the_seed_alone_decides_the_resamples():
    values = [0.0, 1.0, 4.0, 9.0]
    assert intervals.mean(values, seed=1) == intervals.mean(values, seed=1)
    assert intervals.mean(list(range(50)), seed=1) != intervals.mean(list(range(50)), seed=2)


def test_rows_that_say_right_or_wrong_are_a_share_and_others_a_mean():
    assert intervals.summary([True] * 87 + [False] * 13, seed=1) == intervals.share([True] * 87 + [False] * 13)
    assert intervals.summary([0.0, 1.0, 4.0], seed=1) == intervals.mean([0.0, 1.0, 4.0], seed=1)
    assert intervals.summary([0.5, None, 1.0], seed=1)["n"] == 2


def test_where_no_row_has_a_value_nothing_is_known():
    assert intervals.summary([None, None], seed=1) == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
