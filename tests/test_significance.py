"""Tests of significance against literature, scipy and what chance must look like."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_rel
from sklearn.metrics import cohen_kappa_score, f1_score

from stages import significance as sig
from stages.metrics.labels import codes, macro_f1

LABELS = ("negative", "neutral", "positive")


def test_mcnemar_counts_only_where_the_two_differ():
    a = np.array([1] * 50 + [1] * 9 + [0] * 2 + [0] * 30)
    b = np.array([1] * 50 + [0] * 9 + [1] * 2 + [0] * 30)
    assert sig.mcnemar(a, b) == sig.mcnemar(b, a) == pytest.approx(2 * binom.cdf(2, 11, 0.5))
    assert sig.mcnemar(a[50:61], b[50:61]) == sig.mcnemar(a, b)
    assert sig.mcnemar(a, a) == 1.0


def test_holm_steps_down_and_never_orders_anew():
    # Holm's own procedure by hand: 0.01 x 4, 0.02 x 3, 0.022 x 2 raised to what stands before, 0.6.
    assert sig.holm([0.02, 0.6, 0.01, 0.022]) == [0.06, 0.6, 0.04, 0.06]
    assert sig.holm([0.4, 0.9]) == [0.8, 0.9]
    assert sig.holm([]) == []


@pytest.mark.parametrize("rows", [7, 900])
def test_resamples_draw_as_many_rows_as_there_are(rows, monkeypatch):
    monkeypatch.setattr(sig, "RESAMPLES", 250)
    monkeypatch.setattr(sig, "CELLS", 90_000)
    blocks = list(sig.resamples(rows, seed=3))
    drawn = np.concatenate(blocks)
    assert drawn.shape == (250, rows) and set(drawn.sum(1)) == {rows}
    assert drawn.mean() == pytest.approx(1) and drawn.var() == pytest.approx(1 - 1 / rows, rel=0.1)
    assert (len(blocks) > 1) == (rows == 900)
    assert np.array_equal(drawn, np.concatenate(list(sig.resamples(rows, seed=3))))


def test_right_or_wrong_is_tested_by_mcnemar_and_the_difference_is_a_less_b():
    draw = np.random.default_rng(1)
    a, b = (draw.random(400) < share for share in (0.9, 0.8))
    (pair,) = sig.compared({"a": a.astype(float), "b": b.astype(float)}, seed=1)
    assert (pair["a"], pair["b"], pair["test"]) == ("a", "b", "mcnemar")
    assert pair["difference"] == pytest.approx(a.mean() - b.mean(), abs=1e-6)
    assert pair["p"] == pytest.approx(sig.mcnemar(a, b), abs=1e-6)
    assert pair["low"] < pair["difference"] < pair["high"]


def test_the_paired_bootstrap_is_near_the_paired_t_test():
    draw = np.random.default_rng(2)
    a = draw.normal(0.5, 0.2, 300)
    b = a - draw.normal(0.02, 0.15, 300)
    (pair,) = sig.compared({"a": a, "b": b}, seed=1)
    assert pair["test"] == "bootstrap"
    assert pair["p"] == pytest.approx(ttest_rel(a, b).pvalue, abs=0.02)
    half = 1.96 * (a - b).std() / 300**0.5
    assert (pair["low"], pair["high"]) == pytest.approx(((a - b).mean() - half, (a - b).mean() + half), abs=0.002)


def test_of_two_that_are_equally_good_five_in_a_hundred_are_told_apart():
    draw = np.random.default_rng(5)
    ps = [sig.compared(dict(zip("ab", draw.normal(0, 1, (2, 80)), strict=True)), seed=n)[0]["p"] for n in range(100)]
    assert 1 <= sum(p < 0.05 for p in ps) <= 11


def test_a_row_without_a_value_is_left_out_for_all():
    values = {"a": np.array([1.0, np.nan, 0.5]), "b": np.array([0.0, np.nan, 0.25]), "c": np.array([0.5, 0.5, np.nan])}
    assert sig.compared(values, seed=1)[0]["difference"] == 1.0
    assert sig.compared({"a": np.array([np.nan]), "b": np.array([1.0])}, seed=1) == []


def test_macro_f1_from_tables_is_the_metrics_own():
    draw = np.random.default_rng(6)
    true = draw.choice(LABELS, 120, p=[0.3, 0.1, 0.6]).tolist()
    said = {name: draw.choice([*LABELS, "blah"], 120).tolist() for name in "ab"}
    coded = {name: codes(texts, LABELS).astype(float) for name, texts in said.items()}
    (pair,) = sig.compared_whole(coded, codes(true, LABELS).astype(float), sig.WHOLE["macro_f1"], seed=1)
    of = {name: macro_f1(texts, true, LABELS, seed=1)["value"] for name, texts in said.items()}
    assert of["a"] == pytest.approx(f1_score(true, said["a"], labels=LABELS, average="macro"), abs=1e-6)
    assert pair["difference"] == pytest.approx(of["a"] - of["b"], abs=2e-6)
    assert pair["low"] < pair["difference"] < pair["high"] and pair["test"] == "bootstrap"


def test_a_label_that_no_drawn_row_has_is_left_out():
    """Two of the first label right, one taken for the second, which no row has: F1 of the first alone."""
    assert sig.macro_f1(np.array([[[2.0, 0.0], [1.0, 0.0], [0.0, 0.0]]])).tolist() == [0.8]
    assert sig.macro_f1(np.array([[[2.0, 0.0], [0.0, 0.0], [1.0, 0.0]]])).tolist() == [0.8]  # neither said nor true


def test_the_same_answers_are_no_better_and_perfect_ones_are():
    true = np.array([0.0, 1.0, 2.0] * 20)
    same, perfect = sig.compared_whole({"a": true * 0, "b": true * 0, "c": true}, true, sig.WHOLE["macro_f1"], seed=1)[
        :2
    ]
    assert (same["difference"], same["p"]) == (0.0, 1.0)
    assert perfect["difference"] == pytest.approx(-(1 - 0.5 / 3), abs=1e-6) and perfect["p"] < 0.001


def marked() -> tuple[dict[str, np.ndarray], np.ndarray]:
    draw = np.random.default_rng(7)
    true = draw.integers(0, 5, 150).astype(float)
    return {"a": np.clip(true + draw.integers(-1, 2, 150), 0, 4), "b": draw.integers(0, 5, 150).astype(float)}, true


@pytest.mark.parametrize(
    ("metric", "own"),
    [
        ("kappa", lambda s, t: cohen_kappa_score(s, t, weights="quadratic")),
        ("rmse", lambda s, t: np.sqrt(((s - t) ** 2).mean())),
        ("pearson", lambda s, t: np.corrcoef(s, t)[0, 1]),
    ],
)
def test_figures_from_means_are_those_of_the_rows(metric, own, monkeypatch):
    monkeypatch.setattr(sig, "RESAMPLES", 400)
    said, true = marked()
    (pair,) = sig.compared_whole(said, true, sig.WHOLE[metric], seed=1)
    assert pair["difference"] == pytest.approx(own(said["a"], true) - own(said["b"], true), abs=1e-5)
    rows = [np.repeat(np.arange(150), weights.astype(int)) for weights in np.concatenate(list(sig.resamples(150, 1)))]
    gaps = [own(said["a"][at], true[at]) - own(said["b"][at], true[at]) for at in rows]
    assert (pair["low"], pair["high"]) == pytest.approx(np.percentile(gaps, [2.5, 97.5]), abs=1e-5)
    assert pair["p"] < 0.01


def test_a_constant_has_no_kappa_and_no_correlation():
    true = np.array([1.0, 2.0, 3.0, 2.0])
    for metric in ("kappa", "pearson"):
        (pair,) = sig.compared_whole({"a": true, "b": true * 0 + 2}, true, sig.WHOLE[metric], seed=1)
        assert pair["difference"] == pytest.approx(1.0, abs=1e-6)
    same = np.full(4, 2.0)
    assert sig.compared_whole({"a": same, "b": same}, same, sig.WHOLE["kappa"], seed=1)[0]["difference"] == 0.0
