"""One line per contest: what to use. Literals in, words out."""

import itertools

import pytest

from stages.verdict import verdict


def contest(*contestants: tuple[str, str, float], sure: tuple = (), metric: str = "accuracy") -> dict:
    """contestants: (name, kind, figure), the cheapest first. sure: the pairs that chance does not explain."""
    told = [{"name": name, "kind": kind, "figures": {metric: {"value": value}}} for name, kind, value in contestants]
    pairs = [
        {"metric": metric, "a": a[0], "b": b[0], "difference": a[2] - b[2],
         "holm": 0.01 if {a[0], b[0]} in [set(one) for one in sure] else 0.4}
        for a, b in itertools.combinations(contestants, 2)
    ]  # fmt: skip
    noise = [{"metric": "other", "a": "m", "b": "t", "difference": 1.0, "holm": 0.0}]
    return {"rows": 400, "source": "films", "headline": metric, "contestants": told, "pairs": noise + pairs}


M, T, B = ("majority", "baseline", 0.77), ("tfidf", "baseline", 0.90), ("base", "base", 0.12)
LORA, FULL = ("lora", "recipe", 0.91), ("full", "recipe", 0.96)


def test_a_recipe_that_beats_all_that_costs_less_is_used():
    sure = [("majority", "tfidf"), ("full", "majority"), ("full", "tfidf"), ("full", "base"), ("full", "lora")]
    winner, said = verdict(contest(M, T, B, LORA, FULL, sure=sure))
    assert winner == "full"
    assert said == (
        "On 400 test rows of films use full (accuracy 0.960), better than lora (accuracy 0.910), the best of what "
        "costs less (p 0.010). Nothing scores higher."
    )


def test_a_gain_that_may_be_chance_leaves_the_cheap_baseline():
    winner, said = verdict(contest(M, T, B, LORA, sure=[("majority", "tfidf"), ("lora", "majority"), ("lora", "base")]))
    assert winner == "tfidf"
    assert said == (
        "On 400 test rows of films a cheap baseline wins: tfidf (accuracy 0.900), better than majority (accuracy "
        "0.770), the best of what costs less (p 0.010). What lora (accuracy 0.910) has more may be chance (p 0.400)."
    )


def test_no_gain_over_something_cheaper_may_be_chance():
    """full beats all but lora, and lora is not told from tfidf: what is sure is tfidf."""
    sure = [("majority", "tfidf"), ("full", "majority"), ("full", "tfidf"), ("full", "base"), ("lora", "majority")]
    winner, said = verdict(contest(M, T, B, LORA, FULL, sure=sure))
    assert winner == "tfidf"
    assert "full (accuracy 0.960) is better (p 0.010), but what it has more than lora (accuracy 0.910)" in said


def test_worse_and_surely_so_is_no_reason_to_use_it():
    winner, said = verdict(contest(T, B, ("poor", "recipe", 0.8), sure=[("tfidf", "base"), ("tfidf", "poor")]))
    assert winner == "tfidf" and said.endswith(
        "a cheap baseline wins: tfidf (accuracy 0.900). No recipe scores higher: poor (accuracy "
        "0.800) comes nearest (p 0.010)."
    )


def test_an_untuned_base_may_win():
    winner, said = verdict(contest(M, ("base", "base", 0.9), LORA, sure=[("majority", "base"), ("majority", "lora")]))
    assert winner == "base" and "no training has paid: use base (accuracy 0.900)" in said


@pytest.mark.parametrize(("metric", "winner"), [("rmse", "lora"), ("accuracy", "tfidf")])
def test_of_an_error_the_lower_is_the_better(metric, winner):
    rows = [("tfidf", "baseline", 0.9), ("lora", "recipe", 0.5)]
    assert verdict(contest(*rows, sure=[("tfidf", "lora")], metric=metric))[0] == winner


def test_a_metric_that_cannot_be_tested_gives_no_verdict():
    untested = contest(T, LORA) | {"pairs": []}
    winner, said = verdict(untested)
    assert winner == "" and said.startswith("On 400 test rows of films nothing can be said: accuracy has no value")
