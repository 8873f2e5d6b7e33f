"""Are a recipe's rows fit to learn from? Its suite over them, and a refusal with what would mend them."""

import shutil
from pathlib import Path

import polars as pl

from stages import measures, params, suites
from stages.expectations import evaluate, told, warns
from stages.refusal import Refusal


def verdicts(
    name: str,
    recipe: params.Recipe,
    rows: pl.DataFrame,
    lengths: dict[str, list[int]],
    limits: dict[str, int],
    docs: str,
) -> list[dict]:
    """The verdicts of the recipe's suite over its rows of all splits; refuses what fails and is critical.

    lengths: field → its length in tokens before any cut, a row after the other; limits: field → the most it may have.
    docs: the folder of the Data Docs pages.
    """
    rules, address = recipe.rows.gate, f"recipes.{name}"
    suite = suites.of_recipe(recipe.model, rules, list(limits), address)
    unknown = [one for one in rules.warning if not any(warns(check.name, (one,)) for check in suite)]
    if unknown:
        raise Refusal(
            f"names among {', '.join(check.name for check in suite)}", ", ".join(unknown),
            f"params.yaml: {address}.rows.gate.warning", "correct the name",
        )  # fmt: skip
    shutil.rmtree(docs, ignore_errors=True)
    found = evaluate(name, measures.of_recipe(rows, lengths, limits), suite, rules.warning, Path(docs))
    stopping = [one for one in found if one["critical"] and not one["passed"]]
    if stopping:
        hints = [
            f"raise {address}.model.{field}_tokens (95% have at most {spread(lengths[field])['p95']} tokens)"
            for field in limits if any(one["name"] == f"truncated.{field}" for one in stopping)
        ]  # fmt: skip
        raise Refusal(
            f"rows of {name} that meet its critical expectations", f"{len(stopping)} failed" + told(stopping),
            "params.yaml: " + ", ".join(dict.fromkeys(one["address"] for one in stopping)) + f"; {docs}/index.html",
            "; ".join([*hints, "or set the bound where it stands"]) + f", or name it under {address}.rows.gate.warning",
        )  # fmt: skip
    return found


def spread(lengths: list[int]) -> dict[str, int]:
    """Median, 95th percentile and maximum of lengths, tokens."""
    ordered = sorted(lengths) or [0]
    return {"median": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)], "max": ordered[-1]}
