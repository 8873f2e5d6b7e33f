"""Champion and challenger: better by the margin with confidence, worse in no rating, and only on rows that are fair."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score
from test_drift import BEFORE

from stages.challenge import compared, unseen, verdict
from stages.params import Retrain

RULES = Retrain(margin=0.02, tolerance=0.05, slice=20)


def scores(challenger, champion, metric: str = "accuracy") -> dict[str, pl.DataFrame]:
    return {"challenger": pl.DataFrame({metric: challenger}), "champion": pl.DataFrame({metric: champion})}


def draw(share: float, rows: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(rows) < share).astype(float)


RATINGS = pl.Series([1 + at % 5 for at in range(1000)], dtype=pl.Int8)


def test_a_clear_gain_is_promoted():
    told = verdict(scores(draw(0.9, 1000, 1), draw(0.7, 1000, 2)), RATINGS, "accuracy", RULES, 1)
    assert told["promoted"] and told["low"] > 0.02 and told["rows"] == 1000 and set(told["ratings"]) == set("12345")
    assert told["challenger"] - told["champion"] == pytest.approx(told["difference"], abs=1e-5)
    assert told["reason"].startswith("better: accuracy +0.") and "on 1000 test rows" in told["reason"]


def test_a_gain_within_chance_or_below_the_margin_is_refused():
    few = verdict(scores(draw(0.8, 40, 1), draw(0.7, 40, 2)), RATINGS.head(40), "accuracy", RULES, 1)
    assert not few["promoted"] and few["reason"].startswith("not better by more than 0.02 (retrain.margin)")
    champion = draw(0.7, 1000, 2)
    challenger = champion.copy()
    challenger[np.flatnonzero(champion == 0)[:15]] = 1  # surely better, by 0.015
    assert not verdict(scores(challenger, champion), RATINGS, "accuracy", RULES, 1)["promoted"]
    assert verdict(scores(challenger, champion), RATINGS, "accuracy", Retrain(margin=0.0), 1)["promoted"]
    same = verdict(scores(champion, champion), RATINGS, "accuracy", Retrain(margin=0.0), 1)
    assert not same["promoted"] and same["difference"] == 0


def test_worse_in_one_rating_is_refused_by_its_name():
    champion, challenger = draw(0.7, 1000, 1), np.ones(1000)
    challenger[RATINGS.to_numpy() == 3] = draw(0.3, 200, 3)
    told = verdict(scores(challenger, champion), RATINGS, "accuracy", RULES, 1)
    assert not told["promoted"] and told["reason"].startswith(
        "worse by more than 0.05 (retrain.tolerance): accuracy -0."
    )
    assert "rows of rating 3;" in told["reason"] and told["ratings"]["3"]["rows"] == 200
    lenient = RULES.model_copy(update={"slice": 201})
    assert verdict(scores(challenger, champion), RATINGS, "accuracy", lenient, 1)["promoted"]


def test_lower_is_better_where_it_is():
    error = scores(np.full(100, 1.0), np.full(100, 2.0), "score_error")
    told = compared(error, "score_error", 1)
    assert (told["difference"], told["low"], told["high"]) == (1, 1, 1)


def test_rows_that_a_metric_asks_nothing_of_are_left_out():
    told = compared(scores([1.0, None, 1.0, None], [0.0, 0.0, 0.0, 0.0]), "accuracy", 1)
    assert told["rows"] == 2 and told["difference"] == 1
    assert compared(scores([None], [None]), "accuracy", 1)["rows"] == 0


def test_figures_of_all_rows_are_the_metrics_own():
    random = np.random.default_rng(1)
    true = random.integers(0, 5, 300).astype(float)
    near = np.clip(true + random.integers(-1, 2, 300), 0, 4)
    of = {
        "challenger": pl.DataFrame({"said": near, "true": true}),
        "champion": pl.DataFrame({"said": np.where(true > 3, 5, 4 - true), "true": true}),  # 5: no label
    }
    told = compared(of, "macro_f1", 1)
    assert told["challenger"] == pytest.approx(f1_score(true, near, average="macro"), abs=1e-5)
    assert told["champion"] == pytest.approx(
        f1_score(true, of["champion"]["said"], labels=range(5), average="macro", zero_division=0), abs=1e-5
    )
    assert compared(of, "kappa", 1)["challenger"] == pytest.approx(
        cohen_kappa_score(true, near, weights="quadratic"), abs=1e-5
    )


def test_what_the_champion_learnt_from_is_left_out():
    before = BEFORE.head(4).with_columns(split=pl.Series(["train", "validation", "test", "train"]))
    again = before.tail(1).with_columns(id=pl.lit("copied"), group=pl.lit("elsewhere"), split=pl.lit("test"))
    new = BEFORE.tail(1).with_columns(id=pl.lit("new"), split=pl.lit("test"))
    now = pl.concat([before, again, new])
    test = pl.DataFrame({"id": [*before["id"], "copied", "new", before["group"][0]]})
    assert unseen(test, now, before).to_list() == [False, False, True, False, False, True, False]
