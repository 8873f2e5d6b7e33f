"""Join what every recipe's stages reported into one comparison, as JSON and as a page to read.

Reads   data/reports/clean, data/reports/validate, data/reports/judge, data/reports/tokenize, data/reports/train,
        data/reports/seconds, data/reports/curves, data/reports/evaluate
Writes  data/reports/<report>.json, data/reports/<report>.html (one file: no script, nothing fetched)
Params  profile, recipes

A number of the comparison is copied from its report, never computed again.
"""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages import params, plots, table
from stages.files import replacing, write_json
from stages.params import Recipe
from stages.refusal import Refusal, run

OF_SOURCE = ("clean", "validate", "judge")
OF_RECIPE = ("tokenize", "train", "seconds", "curves", "evaluate")


def compare(profile: str, recipes: dict[str, Recipe], reports: dict[str, dict]) -> dict:
    """One entry per recipe, in the order of params.yaml. reports: stage → recipe → what the stage reported of it."""
    return {"profile": profile, "recipes": [_entry(name, recipe, reports) for name, recipe in recipes.items()]}


def _entry(name: str, recipe: Recipe, reports: dict[str, dict]) -> dict:
    evaluate, train = reports["evaluate"][name], reports["train"][name]
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
        "overfitting": train["overfitting"],
        "train_seconds": reports["seconds"][name]["train_seconds"],
    }


def page(comparison: dict, reports: dict[str, dict]) -> str:
    """The comparison as one HTML page with its plots, data account and example answers; all text in it is escaped."""
    recipes = comparison["recipes"]
    tasks = {one["task"]: [other for other in recipes if other["task"] == one["task"]] for one in recipes}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("compare.html.jinja").render(
        comparison=comparison,
        reports=reports,
        sources=list(dict.fromkeys(one["source"] for one in recipes)),
        tasks=[(task, _panels(task, entries)) for task, entries in tasks.items()],
        curves={name: _curves(name, reports) for name in reports["curves"]},
        number=table.number,
        interval=table.interval,
        best_baseline=table.best_baseline,
    )


def _panels(task: str, entries: list[dict]) -> list:
    """A task's plots: a bar plot per metric, the headline first, then the headline by rating."""
    headline = entries[0]["headline"]
    names = dict.fromkeys([headline, *(name for one in entries for name in one["metrics"])])
    bars = [
        plots.bars(name, [_bar(task, one, name) for one in entries if _has(one["metrics"], name)]) for name in names
    ]
    slices = {
        _short(task, one["recipe"]): {
            rating: of[headline] for rating, of in one["slices"].get("rating", {}).items() if _has(of, headline)
        }
        for one in entries
    }
    slices = {label: ratings for label, ratings in slices.items() if ratings}
    return [*bars, plots.points(headline, slices)] if slices else bars


def _has(metrics: dict, name: str) -> bool:
    return name in metrics and metrics[name]["value"] is not None


def _bar(task: str, entry: dict, name: str) -> dict:
    base = entry["base"][name]["value"] if _has(entry["base"], name) else None
    baseline = max((of[name]["value"] for of in entry["baselines"].values() if _has(of, name)), default=None)
    return entry["metrics"][name] | {"label": _short(task, entry["recipe"]), "base": base, "baseline": baseline}


def _short(task: str, recipe: str) -> str:
    """A recipe's name under its task's heading: `places-lora` of `review_generation-places-lora`."""
    return recipe.removeprefix(f"{task}-")


def _curves(name: str, reports: dict[str, dict]) -> str:
    return plots.curves(name, reports["curves"][name], reports["train"][name]["best_step"])


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


def main(profile: str, reports: str, comparison: str, html: str) -> None:
    settings = params.load()
    params.entry(settings.profile, profile, "profile")
    if not settings.recipes:
        raise Refusal("recipes to compare", "none", "params.yaml: recipes", "add one")
    sources = list(dict.fromkeys(recipe.rows.source for recipe in settings.recipes.values()))
    reported = read(Path(reports), OF_RECIPE, list(settings.recipes)) | read(Path(reports), OF_SOURCE, sources)
    joined = compare(profile, settings.recipes, reported)
    text = page(joined, reported)
    write_json(comparison, joined)
    with replacing(html) as beside:
        beside.write_text(text, encoding="utf-8")
    print(*table.lines(joined), sep="\n")
    print(f"\ncompare {profile}: {len(joined['recipes'])} recipes, {len(sources)} sources → {html}")


if __name__ == "__main__":
    run(main)
