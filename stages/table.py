"""The one table of results, as plain text: what `compare` prints, and `make repro` once more when nothing was stale.

Prints a comparison.json without importing what made it, so that it answers at once.
"""

import json
from pathlib import Path

from stages.refusal import Refusal, run

# What parts the test rows of a task → how that is called.
PARTS = {"rating": "rating, stars", "seen": "question in training, or not", "question": "question"}
HEAD = ("recipe", "task", "method", "trainable", "metric [95% interval]", "baseline", "base untuned")


def number(value: float | None) -> str:
    """A metric in three figures: 0.812, 41.3; a dash where there is none.

    >>> number(0.8123), number(41.26), number(None)
    ('0.812', '41.3', '–')
    """
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def interval(metric: dict | None) -> str:
    """A metric with its 95% interval: `0.812 [0.771, 0.850]`; a dash where it was not measured."""
    if metric is None or metric["value"] is None or metric.get("n") == 0:
        return "–"
    return f"{number(metric['value'])} [{number(metric['low'])}, {number(metric['high'])}]"


def best_baseline(recipe: dict) -> tuple[str, float] | None:
    """The baseline with the highest headline metric, as (name, value); None where no baseline has it."""
    name = recipe["headline"]
    scored = [(kind, of[name]["value"]) for kind, of in recipe["baselines"].items() if name in of]
    return max(scored, key=lambda one: one[1], default=None)


def rows(comparison: dict) -> list[tuple[str, ...]]:
    """One row of cells per recipe, in the order of HEAD."""
    told = []
    for recipe in comparison["recipes"]:
        name, baseline = recipe["headline"], best_baseline(recipe)
        untuned = recipe["base"].get(name)
        told.append((
            recipe["recipe"],
            recipe["task"],
            recipe["method"],
            f"{recipe['trainable_parameters']:,}",
            f"{name} {interval(recipe['metrics'][name])}",
            f"{number(baseline[1])} {baseline[0]}" if baseline else "–",
            number(untuned["value"] if untuned else None),
        ))  # fmt: skip
    return told


def lines(comparison: dict) -> list[str]:
    """The table of a comparison, one line per recipe under a head, columns aligned."""
    told = [HEAD, *rows(comparison)]
    widths = [max(len(row[i]) for row in told) for i in range(len(HEAD))]
    aligned = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in told]
    return [aligned[0], "  ".join("─" * width for width in widths), *aligned[1:]]


def main(comparison: str) -> None:
    path = Path(comparison)
    todo = "run `dvc repro`, which makes it anew"
    if not path.is_file():
        raise Refusal("a comparison of recipes", "no such file", comparison, todo)
    try:
        print(*lines(json.loads(path.read_text(encoding="utf-8"))), sep="\n")
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise Refusal(
            "a comparison as `compare` writes it", f"{type(error).__name__}: {error}", comparison, todo
        ) from error
    print(f"\npage {path.with_suffix('.html')} · reports {path.parent}/")


if __name__ == "__main__":
    run(main)
