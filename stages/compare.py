"""Join what every recipe's stages reported into one comparison, as JSON and as a page to read.

Reads   data/reports/clean, data/reports/validate, data/reports/judge, data/reports/tokenize, data/reports/train,
        data/reports/seconds, data/reports/curves, data/reports/speed, data/reports/evaluate, data/reports/baselines;
        data/scores
Writes  data/reports/<report>.json, data/reports/<report>.html (one file: no script, nothing fetched)
Params  profile, recipes, seed

A number of the comparison is copied from its report, never computed again; what compare adds is the differences between
contestants on the same rows, and whether they may be chance.
"""

import json
import statistics
from pathlib import Path

from stages import comparison_page as page
from stages import contest, params, table
from stages.files import replacing, write_json
from stages.params import Recipe
from stages.refusal import Refusal, run
from stages.schema import SCORES
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


def main(profile: str, reports: str, scores: str, comparison: str, html: str) -> None:
    settings = params.load()
    params.entry(settings.profile, profile, "profile")
    if not settings.recipes:
        raise Refusal("recipes to compare", "none", "params.yaml: recipes", "add one")
    sources = list(dict.fromkeys(recipe.rows.source for recipe in settings.recipes.values()))
    reported = read(Path(reports), OF_RECIPE, list(settings.recipes)) | read(Path(reports), OF_SOURCE, sources)
    rows = {name: read_table(Path(scores) / f"{name}.parquet", SCORES) for name in settings.recipes}
    contests = contest.contests(settings.recipes, reported, rows, settings.seed)
    joined = compare(profile, settings.recipes, reported, contests)
    text = page.page(joined, reported)
    write_json(comparison, joined)
    with replacing(html) as beside:
        beside.write_text(text, encoding="utf-8")
    print(*table.lines(joined), "", *(f"{one['task']}: {one['verdict']}" for one in contests), sep="\n")
    print(f"\ncompare {profile}: {len(joined['recipes'])} recipes, {len(sources)} sources → {html}")


if __name__ == "__main__":
    run(main)
