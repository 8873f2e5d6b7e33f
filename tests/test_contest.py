"""Contestants from scores: who meets whom, once each, and what a task's many comparisons do to a p."""

import copy

import polars as pl
import pytest

from stages import contest, params
from stages.significance import holm

ROWS = 40


def recipe(base: str = "bases/t5", **more) -> params.Recipe:
    return params.Recipe.model_validate(
        {
            "task": "sentiment_text",
            "rows": {"from": "films"},
            "model": {"family": "seq2seq", "base": base, "prompt_tokens": 8, "target_tokens": 2},
            "method": {"kind": "full", "epochs": 1, "lr": 0.1, "batch": 1},
            "predict": {},
        }
        | more
    )


def figure(value: float) -> dict:
    return {"accuracy": {"value": value, "low": value, "high": value, "n": ROWS}}


def scores(shares: dict[str, float], first: int = 0) -> pl.DataFrame:
    """Right as often as `shares` says, the first rows first, of rows that are numbered from `first`."""
    return pl.concat(
        pl.DataFrame({"id": [f"{first + n:03}" for n in range(ROWS)], "contestant": who, "metric": "accuracy",
                      "value": [float(n < ROWS * share) for n in range(ROWS)]})
        for who, share in shares.items()
    )  # fmt: skip


SHARES = {"answer": 0.9, "likeliest": 0.85, "base": 0.1, "base_likeliest": 0.3, "majority": 0.5}
REPORT = {
    "headline": "accuracy", "metrics": figure(0.9), "likeliest": figure(0.85), "baselines": {"majority": figure(0.5)},
    "base": {"metrics": figure(0.1), "likeliest": figure(0.3)},
}  # fmt: skip
SPEED = {"seconds": 2.0, "seconds_likeliest": 1.0, "base_seconds": 2.5, "base_seconds_likeliest": 1.5}


def reports(*names: str) -> dict:
    one = {"evaluate": REPORT, "speed": SPEED, "seconds": {"train_seconds": 30.0}, "baselines": {"majority": 0.01}}
    return {stage: {name: copy.deepcopy(of) for name in names} for stage, of in one.items()}


def test_each_contestant_stands_once_with_what_it_costs():
    (told,) = contest.contests({"full": recipe()}, reports("full"), {"full": scores(SHARES)}, seed=1)
    assert [(one["name"], one["kind"], one["seconds"]) for one in told["contestants"]] == [
        ("majority", "baseline", 0.01), ("t5, untuned, likeliest label", "base", 1.5), ("t5, untuned", "base", 2.5),
        ("full, likeliest label", "recipe", 31.0), ("full", "recipe", 32.0),
    ]  # fmt: skip
    assert [one["pareto"] for one in told["contestants"]] == [True, False, False, True, True]
    assert (told["task"], told["source"], told["rows"], len(told["pairs"])) == ("sentiment_text", "films", ROWS, 10)
    assert told["winner"] == "full, likeliest label"  # 0.85: that full is right twice more may be chance


def test_what_two_recipes_share_is_one_contestant_and_what_differs_is_two():
    rows = {"full": scores(SHARES), "lora": scores(SHARES | {"answer": 0.7, "majority": 0.55})}
    (told,) = contest.contests({"full": recipe(), "lora": recipe()}, reports("full", "lora"), rows, seed=1)
    names = [one["name"] for one in told["contestants"]]
    assert len(names) == len(set(names)) and names.count("t5, untuned") == 1
    assert {"majority", "majority (lora)", "full", "lora"} <= set(names)


def test_other_test_rows_are_another_contest_but_the_same_family_of_tests():
    recipes = {"full": recipe(), "angry": recipe()}
    rows = {"full": scores(SHARES), "angry": scores(SHARES, first=500)}
    told = contest.contests(recipes, reports(*recipes), rows, seed=1)
    assert [one["rows"] for one in told] == [ROWS, ROWS]
    pairs = [pair for one in told for pair in one["pairs"]]
    assert len(pairs) == 20 and [pair["holm"] for pair in pairs] == holm([pair["p"] for pair in pairs])


def test_another_task_has_a_family_of_its_own():
    recipes = {"full": recipe(), "label": recipe(task="sentiment_label")}
    rows = {name: scores(SHARES) for name in recipes}
    told = contest.contests(recipes, reports(*recipes), rows, seed=1)
    for one in told:
        assert [pair["holm"] for pair in one["pairs"]] == holm([pair["p"] for pair in one["pairs"]])


def test_the_order_of_the_scores_does_not_matter():
    rows = scores(SHARES)
    (told,) = contest.contests({"full": recipe()}, reports("full"), {"full": rows}, seed=1)
    shuffled = {"full": rows.sample(fraction=1, shuffle=True, seed=2)}
    (again,) = contest.contests({"full": recipe()}, reports("full"), shuffled, seed=1)
    assert told == again


def test_another_seed_of_a_recipe_is_no_contestant():
    recipes = {"full": recipe(), "full-2": recipe(replicates="full")}
    rows = {name: scores(SHARES) for name in recipes}
    (told,) = contest.contests(recipes, reports(*recipes), rows, seed=1)
    assert not [one for one in told["contestants"] if one["recipe"] == "full-2"]


def test_a_model_that_starts_from_another_recipes_costs_that_ones_training_too():
    recipes = {"full": recipe(), "more": recipe(base="models/full")}
    rows = {"full": scores(SHARES), "more": scores(SHARES, first=500)}
    told = contest.contests(recipes, reports(*recipes), rows, seed=1)[1]
    seconds = {one["name"]: one["seconds"] for one in told["contestants"]}
    assert seconds["more"] == 30 + 30 + 2.0 and seconds["full"] == 30 + 2.5  # the start is no untuned base


def test_a_figure_of_all_rows_is_taken_again_from_what_was_said():
    whole = scores({"answer": 1.0, "base": 0.5})
    more = pl.concat(
        pl.DataFrame({"id": [f"{n:03}" for n in range(ROWS)], "contestant": who, "metric": metric, "value": values})
        for who in ("answer", "base")
        for metric, values in (
            ("true", [float(n % 2) for n in range(ROWS)]),
            ("said", [float(n % 2) if who == "answer" else 0.0 for n in range(ROWS)]),
        )
    )
    told = reports("full")
    told["evaluate"]["full"] |= {"likeliest": None, "baselines": {}}
    told["evaluate"]["full"]["metrics"] |= {"macro_f1": {"value": 1.0}}
    told["evaluate"]["full"]["base"] = {"metrics": figure(0.5), "likeliest": None}
    (one,) = contest.contests({"full": recipe()}, told, {"full": pl.concat([whole, more])}, seed=1)
    pair = next(pair for pair in one["pairs"] if pair["metric"] == "macro_f1")
    assert (pair["a"], pair["b"]) == ("full", "t5, untuned")
    assert pair["difference"] == pytest.approx(1 - (2 / 3) / 2, abs=1e-6)
    assert {pair["metric"] for pair in one["pairs"]} == {"accuracy", "macro_f1"}
