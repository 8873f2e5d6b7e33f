"""What DVC shows of a comparison: a few headline figures per recipe, and the rows of four plots (dvc.yaml has their
titles, .dvc/plots how they are drawn).

A plot is a list of flat rows; an empty one is not drawn. `panel` says which of its small charts a row belongs to,
`variant` which of the recipes there.
"""

import polars as pl

from stages import table

NO_LABEL = "none of them"


def headline(recipe: dict, train: dict) -> dict:
    """A recipe in one line: its headline metric with the 95% interval, what it is set against, its lowest loss."""
    of = recipe["metrics"][recipe["headline"]]
    baseline, untuned = table.best_baseline(recipe), recipe["base"].get(recipe["headline"])
    return {
        "metric": recipe["headline"],
        **{key: of[key] for key in ("value", "low", "high")},
        "baseline": baseline[1] if baseline else None,
        "untuned": untuned["value"] if untuned else None,
        "validation_loss": train["validation_loss"]["best"],
        "trainable": recipe["trainable_parameters"],
    }


def losses(recipes: list[dict], curves: dict[str, list[dict]]) -> list[dict]:
    """Validation loss at each validation, the variants of a task together."""
    return [
        _of(recipe) | {"step": point["step"], "epoch": point["epoch"], "loss": point["validation_loss"]}
        for recipe in recipes
        for point in curves[recipe["recipe"]]
        if point["validation_loss"] is not None
    ]


def by_rating(recipes: list[dict]) -> list[dict]:
    """The headline metric of the test rows of each rating, with its interval."""
    return [
        _of(recipe) | {"panel": f"{recipe['task']}: {recipe['headline']}", "rating": int(rating)}
        | {key: metrics[recipe["headline"]][key] for key in ("value", "low", "high")}
        for recipe in recipes
        for rating, metrics in recipe["slices"].get("rating", {}).items()
        if metrics[recipe["headline"]]["value"] is not None
    ]  # fmt: skip


def reliability(recipes: list[dict]) -> list[dict]:
    """How often a label given with some probability is right, by bins of that probability."""
    return [
        _of(recipe) | {"probability": one["confidence"], "right": one["accuracy"], "rows": one["n"]}
        for recipe in recipes
        if recipe["calibration"]
        for one in recipe["calibration"]["tuned"]["bins"]
    ]


def confusion(recipe: str, scores: pl.DataFrame, answers: pl.DataFrame) -> list[dict]:
    """How often each label was given for each true one.

    scores: numbers of the labels, in the task's order. answers: the rows' targets, which name them. A number that is
    no target's is no label, or one that no test row has.
    """
    numbers = scores.filter(pl.col("metric").is_in(("said", "true")), contestant="answer")
    rows = numbers.pivot("metric", index="id", values="value").join(answers.select("id", "target"), on="id")
    names = dict(rows.select("true", "target").unique().sort("true").iter_rows())
    counts = {(true, said): n for true, said, n in rows.group_by("true", "said").len().iter_rows()}
    given = [*names, *({said for _, said in counts} - names.keys())]
    rows_of = {true: sum(n for (one, _), n in counts.items() if one == true) for true in names}
    return [
        {
            "panel": recipe, "true": names[true], "said": names.get(said, NO_LABEL), "order": order,
            "rows": counts.get((true, said), 0), "share": round(counts.get((true, said), 0) / rows_of[true], 6),
        }
        for true in names
        for order, said in enumerate(given)
    ]  # fmt: skip


def _of(recipe: dict) -> dict:
    return {"panel": recipe["task"], "variant": recipe["recipe"].removeprefix(f"{recipe['task']}-")}
