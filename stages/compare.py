"""Join what every recipe's stages reported into one comparison, as JSON and as a page to read.

Reads   data/reports/clean, data/reports/validate, data/reports/judge, data/reports/tokenize, data/reports/train,
        data/reports/seconds, data/reports/curves, data/reports/speed, data/reports/evaluate, data/reports/baselines;
        data/scores; data/answers
Writes  data/reports/<report>.json, data/reports/<report>.html (one file: no script, nothing fetched); what DVC shows of
        it: data/reports/headline/<profile>, data/reports/plots/<profile>
Params  profile, recipes, seed

A number of the comparison is copied from its report, never computed again; what compare adds is the differences between
contestants on the same rows, and whether they may be chance.
"""

import json
import statistics
from pathlib import Path

import polars as pl

from stages import comparison_page as page
from stages import contest, figures, params, table
from stages.files import replacing, replacing_folder, write_json
from stages.params import Recipe
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, SCORES
from stages.schema import read as read_table

OF_SOURCE = ("clean", "validate", "judge")
OF_RECIPE = ("tokenize", "train", "seconds", "curves", "speed", "evaluate", "baselines")


def compare(profile: str, recipes: dict[str, Recipe], reports: dict[str, dict], contests: list[dict]) -> dict:
    """One entry per recipe, in the order of params.yaml. reports: stage → recipe → what the stage reported of it."""
    return {
        "profile": profile,
        "recipes": [_entry(name, recipe, recipes, reports) for name, recipe in recipes.items()],
        "contests": contests,
    }


def _entry(name: str, recipe: Recipe, recipes: dict[str, Recipe], reports: dict[str, dict]) -> dict:
    evaluate, train, seconds = (reports[stage][name] for stage in ("evaluate", "train", "seconds"))
    return {
        "recipe": name,
        "task": recipe.task,
        "family": recipe.model.family,
        "method": recipe.method.kind,
        "source": recipe.rows.source,
        "trainable_parameters": train["trainable_parameters"],
        "rows": reports["tokenize"][name]["rows"],
        "headline": evaluate["headline"],
        "metrics": evaluate["metrics"],
        "slices": evaluate["slices"],
        "base": evaluate["base"]["metrics"],
        "baselines": evaluate["baselines"],
        "judge": evaluate["judge"],
        "likeliest": evaluate["likeliest"],
        "calibration": evaluate["calibration"],
        "overfitting": train["overfitting"],
        "train_seconds": seconds["train_seconds"],
        "tokens_per_second": seconds["tokens_per_second"],
        "peak_mib": seconds["peak_gpu_mib"] or seconds["peak_mib"],
        "size_bytes": train["size_bytes"],
        "speed": reports["speed"][name],
        "replicates": recipe.replicates,
        "spread": _spread(name, recipes, reports),
    }


def _spread(name: str, recipes: dict[str, Recipe], reports: dict[str, dict]) -> dict | None:
    """The headline metric over a recipe's seeds: its own and those of the recipes that replicate it."""
    seeds = [name, *(other for other, of in recipes.items() if of.replicates == name)]
    if len(seeds) == 1:
        return None
    headline = reports["evaluate"][name]["headline"]
    values = [reports["evaluate"][one]["metrics"][headline]["value"] for one in seeds]
    told = {"mean": statistics.mean(values), "low": min(values), "high": max(values), "sd": statistics.stdev(values)}
    return {"seeds": len(values)} | {key: round(value, 6) for key, value in told.items()}


def read(folder: Path, stages: tuple[str, ...], names: list[str]) -> dict[str, dict]:
    """stage → name → report. Refuses, all at once, reports that are missing or cannot be read."""
    found, faults = {stage: {} for stage in stages}, []
    for stage in stages:
        for name in names:
            try:
                found[stage][name] = json.loads((folder / stage / f"{name}.json").read_text(encoding="utf-8"))
            except FileNotFoundError:
                faults.append(f"no {stage}/{name}.json")
            except ValueError as error:  # JSON's and Unicode's errors alike
                faults.append(f"{stage}/{name}.json is not JSON ({error})")
    if faults:
        do = "run `dvc repro`, which makes every report its recipes need"
        raise Refusal("a report of each stage", "\n         ".join(faults), str(folder), do)
    return found


def drawn(joined: dict, reported: dict, scores: dict[str, pl.DataFrame], answers: Path) -> dict[str, list[dict]]:
    """plot → its rows. answers: the folder of the answers that `scores` are of."""
    recipes, confusion = joined["recipes"], []
    for name, told in scores.items():
        if "said" in told["metric"]:  # the task has labels
            confusion += figures.confusion(name, told, read_table(answers / f"{name}.parquet", ANSWERS))
    return {
        "losses": figures.losses(recipes, reported["curves"]),
        "by_rating": figures.by_rating(recipes),
        "reliability": figures.reliability(recipes),
        "confusion": confusion,
    }


def main(
    profile: str, reports: str, scores: str, answers: str, comparison: str, html: str, headlines: str, plots: str
) -> None:
    settings = params.load()
    params.entry(settings.profile, profile, "profile")
    if not settings.recipes:
        raise Refusal("recipes to compare", "none", "params.yaml: recipes", "add one")
    sources = list(dict.fromkeys(recipe.rows.source for recipe in settings.recipes.values()))
    reported = read(Path(reports), OF_RECIPE, list(settings.recipes)) | read(Path(reports), OF_SOURCE, sources)
    rows = {name: read_table(Path(scores) / f"{name}.parquet", SCORES) for name in settings.recipes}
    contests = contest.contests(settings.recipes, reported, rows, settings.seed)
    joined = compare(profile, settings.recipes, reported, contests)
    text, rows_of = page.page(joined, reported), drawn(joined, reported, rows, Path(answers))
    write_json(comparison, joined)
    with replacing(html) as beside:
        beside.write_text(text, encoding="utf-8")
    with replacing_folder(headlines) as beside:
        for recipe in joined["recipes"]:
            name = recipe["recipe"]
            write_json(beside / f"{name}.json", figures.headline(recipe, reported["train"][name]))
    for name, points in rows_of.items():
        write_json(Path(plots) / f"{name}.json", points)
    print(*table.lines(joined), "", *(f"{one['task']}: {one['verdict']}" for one in contests), sep="\n")
    print(f"\ncompare {profile}: {len(joined['recipes'])} recipes, {len(sources)} sources → {html}")


if __name__ == "__main__":
    run(main)
