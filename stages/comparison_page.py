"""The comparison as one HTML page to read: what to use, by how much, at what cost, on which data."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages import plots, table
from stages.significance import LOWER_IS_BETTER


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
        contests=[(one, _pareto(one), _shown(one)) for one in comparison["contests"]],
        reliability={
            one["recipe"]: plots.reliability(one["recipe"], one["calibration"]["tuned"]["bins"])
            for one in recipes
            if one["calibration"]
        },
        curves={name: _curves(name, reports) for name in reports["curves"]},
        number=table.number,
        interval=table.interval,
        best_baseline=table.best_baseline,
    )


def _panels(task: str, entries: list[dict]) -> list:
    """A task's plots: a bar plot per metric, the headline first, then the headline by parts of the rows."""
    headline = entries[0]["headline"]
    names = dict.fromkeys([headline, *(name for one in entries for name in one["metrics"])])
    bars = [
        plots.bars(name, [_bar(task, one, name) for one in entries if _has(one["metrics"], name)]) for name in names
    ]
    return [*bars, *filter(None, (_slices(task, entries, headline, of) for of in ("rating", "seen")))]


def _slices(task: str, entries: list[dict], headline: str, of: str) -> Markup | None:
    """The headline over the parts of the test rows that `of` names; None where no recipe has them."""
    series = {
        _short(task, one["recipe"]): {
            part: metrics[headline] for part, metrics in one["slices"].get(of, {}).items() if _has(metrics, headline)
        }
        for one in entries
    }
    series = {label: parts for label, parts in series.items() if parts}
    return plots.points(headline, table.PARTS[of], series) if series else None


def _pareto(contest: dict) -> str:
    metric = contest["headline"]
    points = [
        one["figures"][metric] | {"label": _short(contest["task"], one["name"])}
        | {key: one[key] for key in ("kind", "seconds", "pareto")}
        for one in contest["contestants"]
    ]  # fmt: skip
    return plots.pareto(metric, points)


def _shown(contest: dict) -> list[dict]:
    """The pairs that the page shows: those of the headline metric in which a recipe takes part."""
    recipes = {one["name"] for one in contest["contestants"] if one["kind"] == "recipe"}
    return [
        pair for pair in contest["pairs"] if pair["metric"] == contest["headline"] and recipes & {pair["a"], pair["b"]}
    ]


def _has(metrics: dict, name: str) -> bool:
    return name in metrics and metrics[name]["value"] is not None


def _bar(task: str, entry: dict, name: str) -> dict:
    base = entry["base"][name]["value"] if _has(entry["base"], name) else None
    best = min if name in LOWER_IS_BETTER else max
    baseline = best((of[name]["value"] for of in entry["baselines"].values() if _has(of, name)), default=None)
    return entry["metrics"][name] | {"label": _short(task, entry["recipe"]), "base": base, "baseline": baseline}


def _short(task: str, recipe: str) -> str:
    """A recipe's name under its task's heading: `places-lora` of `review_generation-places-lora`."""
    return recipe.removeprefix(f"{task}-")


def _curves(name: str, reports: dict[str, dict]) -> str:
    return plots.curves(name, reports["curves"][name], reports["train"][name]["best_step"])
