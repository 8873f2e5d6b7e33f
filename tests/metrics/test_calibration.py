"""Calibration against figures taken by hand and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from stages.metrics.calibration import brier, calibration

LABELS = ("bad", "good")


def test_the_error_is_the_mean_gap_of_the_bins_weighed_by_rows():
    # Four answers at 0.9, three of them right: a gap of 0.15. Two in the bin of 0.6 to 0.667, one right: one of 0.125.
    chances = [[0.1, 0.9]] * 4 + [[0.6, 0.4], [0.35, 0.65]]
    told = calibration(chances, ["good", "good", "good", "bad", "bad", "bad"], LABELS, seed=1)
    assert told["ece"]["value"] == pytest.approx((4 * 0.15 + 2 * 0.125) / 6, abs=1e-6)
    assert told["bins"] == [
        {"low": 0.6, "high": 0.666667, "n": 2, "confidence": 0.625, "accuracy": 0.5},
        {"low": 0.866667, "high": 0.933333, "n": 4, "confidence": 0.9, "accuracy": 0.75},
    ]


def test_a_sure_and_right_answer_stands_in_the_last_bin_and_has_no_error():
    told = calibration([[1.0, 0.0], [0.0, 1.0]], ["bad", "good"], LABELS, seed=1)
    assert told["ece"]["value"] == told["brier"]["value"] == 0.0
    assert told["bins"] == [{"low": 0.933333, "high": 1.0, "n": 2, "confidence": 1.0, "accuracy": 1.0}]


def test_probabilities_that_say_what_they_mean_have_a_small_error():
    draw = np.random.default_rng(3)
    sure = draw.uniform(0.5, 1, 20_000)
    right = draw.random(20_000) < sure
    chances = np.stack([1 - sure, sure], 1).tolist()
    told = calibration(chances, np.where(right, "good", "bad").tolist(), LABELS, seed=1)
    assert told["ece"]["value"] < 0.015 and told["ece"]["low"] <= told["ece"]["high"]
    boastful = calibration(chances, np.where(draw.random(20_000) < 0.6, "good", "bad").tolist(), LABELS, seed=1)
    assert boastful["ece"]["value"] > 0.14


def test_the_brier_score_is_twice_scikit_learns_for_two_labels():
    draw = np.random.default_rng(4)
    sure, good = draw.random(50), draw.random(50) < 0.5
    each = brier(np.stack([1 - sure, sure], 1).tolist(), np.where(good, "good", "bad").tolist(), LABELS)
    assert np.mean(each) == pytest.approx(2 * brier_score_loss(good, sure))
