"""Everything that answered the same test rows of a task, set against one another.

A contest is a task and a set of test rows. Its contestants: each recipe as it answers, and by its likeliest label where
that was asked too; each recipe's untuned base; each cheap baseline.
"""

import numpy as np
import polars as pl

from stages import significance
from stages.params import Recipe
from stages.verdict import verdict

BASIS = {column for whole in significance.WHOLE.values() for column in (whole.said, whole.true)}


def contests(recipes: dict[str, Recipe], reports: dict[str, dict], scores: dict[str, pl.DataFrame], seed: int) -> list:
    """One entry per task and set of test rows, in the order of params.yaml. reports: stage → recipe → report.

    The p of each pair stands as it is and, as `holm`, adjusted for all pairs of the task by that metric (Holm 1979).
    """
    groups: dict[tuple, list[str]] = {}
    for name, recipe in recipes.items():
        if recipe.replicates is None:  # another seed of a recipe is no contestant: it shows the recipe's spread
            rows = scores[name].filter(contestant="answer")["id"].unique().sort()
            groups.setdefault((recipe.task, recipe.rows.source, tuple(rows)), []).append(name)
    told = [
        {"task": task, "source": source, "rows": len(rows)} | _contest(names, recipes, reports, scores, seed)
        for (task, source, rows), names in groups.items()
    ]
    families: dict[tuple, list[dict]] = {}
    for one in told:
        for pair in one["pairs"]:
            families.setdefault((one["task"], pair["metric"]), []).append(pair)
    for family in families.values():
        for pair, adjusted in zip(family, significance.holm([pair["p"] for pair in family]), strict=True):
            pair["holm"] = adjusted
    for one in told:
        one["winner"], one["verdict"] = verdict(one)
    return told


def _contest(
    names: list[str], recipes: dict[str, Recipe], reports: dict, scores: dict[str, pl.DataFrame], seed: int
) -> dict:
    contestants: dict[str, dict] = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    for recipe in names:
        columns = {
            at: part.sort("id")["value"].to_numpy()
            for at, part in scores[recipe].partition_by("contestant", "metric", as_dict=True).items()
        }
        for one in _contestants(recipe, recipes, reports):
            own = {metric: each for (who, metric), each in columns.items() if who == one["who"]}
            if one["name"] in values and not _equal(values[one["name"]], own):
                one["name"] += f" ({recipe})"  # the same kind, learnt from other rows
            if one["name"] not in values:
                values[one["name"]], contestants[one["name"]] = own, one
    headline = reports["evaluate"][names[0]]["headline"]
    ordered = sorted(contestants.values(), key=lambda one: (one["seconds"], one["name"]))
    return {
        "headline": headline,
        "contestants": [one | {"pareto": _on_front(one, ordered, headline)} for one in ordered],
        "pairs": _pairs(contestants, values, seed),
    }


def _contestants(name: str, recipes: dict[str, Recipe], reports: dict[str, dict]) -> list[dict]:
    """A recipe's own: {name, who, kind, recipe, figures, seconds}; seconds to train and to answer all test rows."""
    recipe, report, speed = recipes[name], reports["evaluate"][name], reports["speed"][name]
    base, spent = recipe.model.base.partition("/")[2], _invested(recipe.model.base, recipes, reports)
    untuned = base if recipe.model.base.startswith("models/") else f"{base}, untuned"
    trained = spent + reports["seconds"][name]["train_seconds"]
    likelier, untuned_likelier = (speed.get(f"{whose}seconds_likeliest", 0.0) for whose in ("", "base_"))
    told = [
        ("answer", "recipe", name, report["metrics"], trained + speed["seconds"]),
        ("likeliest", "recipe", f"{name}, likeliest label", report["likeliest"], trained + likelier),
        ("base", "base", untuned, report["base"]["metrics"], spent + speed["base_seconds"]),
        (
            "base_likeliest",
            "base",
            f"{untuned}, likeliest label",
            report["base"]["likeliest"],
            spent + untuned_likelier,
        ),
    ]
    took = reports["baselines"][name]
    told += [(who, "baseline", who, figures, took[who]) for who, figures in report["baselines"].items()]
    return [
        {"who": who, "kind": kind, "name": called, "recipe": name, "figures": figures, "seconds": round(seconds, 3)}
        for who, kind, called, figures, seconds in told
        if figures
    ]


def _invested(base: str, recipes: dict[str, Recipe], reports: dict[str, dict]) -> float:
    """Seconds of training behind a base that is itself a recipe's model; what built a base is nobody's alone."""
    kind, _, name = base.partition("/")
    if kind == "bases":
        return 0.0
    return reports["seconds"][name]["train_seconds"] + _invested(recipes[name].model.base, recipes, reports)


def _equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key], equal_nan=True) for key in one)


def _on_front(one: dict, ordered: list[dict], headline: str) -> bool:
    """Whether nothing that costs less is as good."""
    sign = -1 if headline in significance.LOWER_IS_BETTER else 1
    value = sign * one["figures"][headline]["value"]
    return all(sign * other["figures"][headline]["value"] < value for other in ordered[: ordered.index(one)])


def _pairs(contestants: dict[str, dict], values: dict[str, dict[str, np.ndarray]], seed: int) -> list[dict]:
    """Every pair of contestants by every metric that both have row by row, or that can be taken again from rows."""
    metrics = dict.fromkeys(metric for one in contestants.values() for metric in one["figures"])
    metrics |= dict.fromkeys(metric for of in values.values() for metric in of if metric not in BASIS)
    pairs = []
    for metric in metrics:
        whole = significance.WHOLE.get(metric)
        column = whole.said if whole else metric
        of = {name: each[column] for name, each in values.items() if column in each}
        if len(of) > 1:
            found = (
                significance.compared_whole(of, values[next(iter(of))][whole.true], whole, seed)
                if whole
                else significance.compared(of, seed)
            )
            pairs += [{"metric": metric} | pair for pair in found]
    return pairs
