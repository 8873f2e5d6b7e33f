"""Marks against a marker's: the same figures as scikit-learn and scipy, and what a library leaves undefined."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import cohen_kappa_score, root_mean_squared_error

from stages.metrics import marks

LABELS = ("0", "0.25", "0.5", "0.75", "1")
DRAWN = np.random.default_rng(3)
TRUE = pl.Series(DRAWN.integers(0, 5, 200) / 4)
SAID = [f"{one:.4f}" for one in (TRUE.to_numpy() + DRAWN.normal(0, 0.3, 200)).tolist()]


def test_kappa_is_scikit_learns_of_the_nearest_labels():
    said = [round(min(1, max(0, float(one))) * 4) for one in SAID]
    expected = cohen_kappa_score((TRUE * 4).cast(pl.Int64).to_list(), said, labels=range(5), weights="quadratic")
    told = marks.kappa(SAID, TRUE, LABELS, seed=1)
    assert told["value"] == pytest.approx(expected, abs=1e-6) and 0.4 < told["low"] < expected < told["high"] < 0.9


def test_errors_and_correlations_are_those_of_the_numbers_themselves():
    said = np.clip([float(one) for one in SAID], 0, 1)
    assert marks.rmse(SAID, TRUE, 1)["value"] == pytest.approx(root_mean_squared_error(TRUE, said), abs=1e-6)
    assert marks.pearson(SAID, TRUE, 1)["value"] == pytest.approx(pearsonr(said, TRUE)[0], abs=1e-6)
    assert marks.spearman(SAID, TRUE, 1)["value"] == pytest.approx(spearmanr(said, TRUE)[0], abs=1e-6)


def test_a_constant_agrees_by_chance_alone():
    constant = ["0.5"] * 200
    for told in (
        marks.kappa(constant, TRUE, LABELS, 1),
        marks.pearson(constant, TRUE, 1),
        marks.spearman(constant, TRUE, 1),
    ):
        assert (told["value"], told["low"], told["high"]) == (0, 0, 0)
    assert marks.kappa(["1"] * 3, pl.Series([1.0] * 3), LABELS, 1)["value"] == 0.0


def test_opposite_marks_disagree():
    assert marks.kappa(["0", "1"] * 20, pl.Series([1.0, 0.0] * 20), LABELS, 1)["value"] == -1.0


def test_what_is_no_number_is_a_mark_of_0_and_counted():
    assert marks.read(["0,5", " 1 ", "full mark", "", "-3"]).tolist() == [0.5, 1.0, 0.0, 0.0, 0.0]
    assert marks.readable(["0,5", " 1 ", "full mark", ""])["value"] == 0.5
    assert marks.rmse(["none"] * 4, pl.Series([1.0] * 4), 1)["value"] == 1.0


def test_a_tie_goes_to_the_higher_label_as_in_the_task():
    assert marks.nearest(np.array([0.124, 0.125, 0.875, 1.0]), LABELS).tolist() == [0, 1, 4, 4]
