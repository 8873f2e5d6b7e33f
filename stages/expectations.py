"""A source's gate as a Great Expectations suite, and its verdicts as plain data.

The suite sees measures of the rows (lengths, ratings, numbered ids), never their text, so that nothing a reviewer
wrote can reach the Data Docs pages, which print values raw into HTML.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when great_expectations is imported

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.data_context.types.base import ProgressBarsConfig

from stages.params import Range, Validate
from stages.refusal import Refusal

RATINGS = (1, 2, 3, 4, 5)
TOKEN = r"\w+|[^\w\s]"  # words and marks


@dataclass(frozen=True)
class Check:
    """One expectation: its short name, GX's own form, the bound it holds to, and where that bound is set."""

    name: str
    expectation: gxe.Expectation
    low: float | None
    high: float | None
    unit: str
    address: str


def measures(rows: pl.DataFrame, token_limit: int) -> pl.DataFrame:
    """One row per review: id (a number, equal where ids are equal), rating, chars, tokens, truncated, rating_1…5.

    A null counts as rating 0 or as no text, since GX passes nulls over. The 95th percentiles stand as constant columns,
    since GX's quantile expectation fails on numpy 2 (its answer, a numpy bool, is not JSON).
    """
    table = rows.select(
        id=pl.col("id").rank("dense").fill_null(0),
        rating=pl.col("rating").cast(pl.Int64).fill_null(0),
        chars=pl.col("text").str.strip_chars().str.len_chars().cast(pl.Int64).fill_null(0),
        tokens=pl.col("text").str.count_matches(TOKEN).cast(pl.Int64).fill_null(0),
    )
    return table.with_columns(
        (pl.col("tokens") > token_limit).cast(pl.Int64).alias("truncated"),
        *((pl.col("rating") == rating).cast(pl.Int64).alias(f"rating_{rating}") for rating in RATINGS),
        *(pl.col(length).quantile(0.95).alias(f"{length}_p95") for length in ("chars", "tokens")),
    )


def checks(rules: Validate, address: str) -> list[Check]:
    """The suite that the settings ask for; `address` is where they stand. Refuses expected shares that are all 0."""
    expected = {rating: rules.rating_expected.get(rating, 0.0) for rating in RATINGS}
    if not sum(expected.values()):
        where = f"params.yaml: {address}.rating_expected"
        raise Refusal("expected shares of ratings", "none above 0", where, "give each rating the share it should have")
    partition = {"values": list(expected), "weights": [w / sum(expected.values()) for w in expected.values()]}
    fixed = "stages/expectations.py"
    found = [
        _between("rows", gxe.ExpectTableRowCountToBeBetween, rules.rows, "rows", f"{address}.rows"),
        Check("unique_id", gxe.ExpectColumnValuesToBeUnique(column="id"), None, 0, "rows that share an id", fixed),
        Check("nonempty_text", gxe.ExpectColumnValuesToBeBetween(column="chars", min_value=1), None, 0,
              "rows without text", fixed),
        Check("rating_known", gxe.ExpectColumnValuesToBeInSet(column="rating", value_set=list(RATINGS)), None, 0,
              "rows rated otherwise than 1 to 5", fixed),
        _between("ratings", gxe.ExpectColumnUniqueValueCountToBeBetween, Range(low=2), "different ratings", fixed,
                 column="rating"),
        Check("rating_divergence",
              gxe.ExpectColumnKLDivergenceToBeLessThan(
                  column="rating", partition_object=partition, threshold=rules.rating_divergence),
              None, rules.rating_divergence, "nats", f"{address}.rating_divergence"),
        _between("truncated_share", gxe.ExpectColumnMeanToBeBetween, Range(high=rules.truncated_share),
                 f"of rows over {rules.token_limit} words and marks", f"{address}.truncated_share", column="truncated"),
    ]  # fmt: skip
    for rating, bound in sorted(rules.rating_share.items()):
        name, kind = f"rating_share.{rating}", gxe.ExpectColumnMeanToBeBetween
        found.append(_between(name, kind, bound, "of rows", f"{address}.{name}", column=f"rating_{rating}"))
    kinds = {"median": gxe.ExpectColumnMedianToBeBetween, "p95": gxe.ExpectColumnMaxToBeBetween}
    for length, bounds in (("chars", rules.chars), ("tokens", rules.tokens)):
        unit = "characters" if length == "chars" else "words and marks"
        for what, bound in bounds.items():
            column = f"{length}_p95" if what == "p95" else length
            kind = kinds.get(what, gxe.ExpectColumnMaxToBeBetween)
            found.append(_between(f"{length}.{what}", kind, bound, unit, f"{address}.{length}.{what}", column=column))
    return found


def evaluate(name: str, table: pl.DataFrame, suite: list[Check], warning: tuple[str, ...], docs: Path) -> list[dict]:
    """Run the suite over the measures, write Data Docs pages under `docs`, and return a verdict per expectation.

    A verdict: {name, observed, bound {low, high}, unit, critical, passed, address}. An expectation that GX could not
    evaluate, or did not report, has failed.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas(name).add_dataframe_asset("clean").add_batch_definition_whole_dataframe(name)
    )
    for check in suite:
        check.expectation.description = f"{check.name}, {check.unit} ({check.address})"
        check.expectation.meta = {"name": check.name}
        check.expectation.severity = "warning" if warns(check.name, warning) else "critical"
    whole = context.suites.add(gx.ExpectationSuite(name=name, expectations=[check.expectation for check in suite]))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=whole))
    result = definition.run(batch_parameters={"dataframe": table.to_pandas()}, result_format="BASIC")
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site("local", site)
    context.build_data_docs()
    by_name = {one.expectation_config.meta["name"]: one for one in result.results}
    return [_verdict(check, by_name.get(check.name), warning) for check in suite]


def warns(name: str, warning: tuple[str, ...]) -> bool:
    """Whether the settings list this expectation, or its family (`rating_share` for `rating_share.5`), as a warning."""
    return any(name == one or name.startswith(f"{one}.") for one in warning)


def _between(name: str, kind: type, bound: Range, unit: str, address: str, **where: str) -> Check:
    """An expectation whose value lies between two bounds, either of which may be open."""
    return Check(name, kind(min_value=bound.low, max_value=bound.high, **where), bound.low, bound.high, unit, address)


def _verdict(check: Check, result: object | None, warning: tuple[str, ...]) -> dict:
    """What GX found, in the report's words; anything but a clear success is a failure."""
    told = result.result if result is not None else {}
    observed = told.get("observed_value", told.get("unexpected_count"))
    if observed is not None and not math.isfinite(observed):  # a divergence from a partition that lacks a value
        observed = None
    return {
        "name": check.name,
        "observed": None if observed is None else round(float(observed), 6),
        "bound": {"low": check.low, "high": check.high},
        "unit": check.unit,
        "critical": not warns(check.name, warning),
        "passed": bool(result is not None and result.success and observed is not None),
        "address": check.address,
    }
