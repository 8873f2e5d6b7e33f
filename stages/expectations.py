"""Great Expectations, known here alone: a list of checks becomes a suite, its result plain verdicts and HTML pages.

The suite sees measures of the rows (lengths, ratings, faults as ones and zeros), never their text, so that nothing a
reviewer wrote can reach the Data Docs pages, which print values raw into HTML.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stages.front import bound_of, front

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when great_expectations is imported


@dataclass(frozen=True)
class Check:
    """One expectation: its short name, what is asked, of which column, the bound, its unit, and where the bound is set.

    kind: rows (how many), none (rows of a fault), share (of a fault), mean, median, max, distinct (values), figure (of
    the whole, the same in every row), divergence (Kullback-Leibler, from `partition`: value → share, summing to 1).
    """

    name: str
    kind: str
    column: str | None
    low: float | None
    high: float | None
    unit: str
    address: str
    partition: dict[int, float] | None = None

    def failing(self) -> pl.Expr | None:
        """Which rows of the measures are at fault; None where no single row is, only their whole."""
        if self.kind in ("none", "share"):
            return pl.col(self.column) == 1
        if self.kind == "max" and self.high is not None:
            return pl.col(self.column) > self.high
        return None


def evaluate(name: str, table: pl.DataFrame, suite: list[Check], warning: tuple[str, ...], docs: Path) -> list[dict]:
    """Run the suite over the measures, write Data Docs pages under `docs`, and return a verdict per expectation.

    A verdict: {name, observed, bound {low, high}, unit, critical, passed, address}. An expectation that GX could not
    evaluate, or did not report, has failed.
    """
    import great_expectations as gx  # 5 s: not before there is a table to look at
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = context.data_sources.add_pandas(name).add_dataframe_asset("rows").add_batch_definition_whole_dataframe(name)
    asked = [_expectation(check, warns(check.name, warning)) for check in suite]
    whole = context.suites.add(gx.ExpectationSuite(name=name, expectations=asked))
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
    verdicts = [_verdict(check, by_name.get(check.name), warning) for check in suite]
    # GX's own front page is empty, and its marks of success unseen, where its scripts cannot be fetched from the net.
    (docs / "index.html").write_text(front(name, table.height, verdicts, docs), "utf-8")
    return verdicts


def warns(name: str, warning: tuple[str, ...]) -> bool:
    """Whether the settings list this expectation, or its family (`rating_share` for `rating_share.5`), as a warning."""
    return any(name == one or name.startswith(f"{one}.") for one in warning)


def told(verdicts: list[dict]) -> str:
    """One line per verdict: name, observed value, bound, params address."""
    lines = []
    for one in verdicts:
        seen = "nothing could be observed" if one["observed"] is None else f"observed {one['observed']:g}"
        bound = bound_of(one["bound"]["low"], one["bound"]["high"])
        lines.append(f"\n      - {one['name']}: {seen} {one['unit']}, bound {bound}; {one['address']}")
    return "".join(lines)


def _expectation(check: Check, warning: bool):
    """The check in GX's own form."""
    import great_expectations.expectations as gxe

    bound, column = {"min_value": check.low, "max_value": check.high}, {"column": check.column}
    if check.kind == "divergence":
        partition = {"values": list(check.partition), "weights": list(check.partition.values())}
        made = gxe.ExpectColumnKLDivergenceToBeLessThan(**column, partition_object=partition, threshold=check.high)
    elif check.kind == "none":
        made = gxe.ExpectColumnValuesToBeInSet(**column, value_set=[0])
    elif check.kind == "rows":
        made = gxe.ExpectTableRowCountToBeBetween(**bound)
    else:
        kinds = {
            "share": gxe.ExpectColumnMeanToBeBetween,
            "mean": gxe.ExpectColumnMeanToBeBetween,
            "median": gxe.ExpectColumnMedianToBeBetween,
            "max": gxe.ExpectColumnMaxToBeBetween,
            "figure": gxe.ExpectColumnMaxToBeBetween,
            "distinct": gxe.ExpectColumnUniqueValueCountToBeBetween,
        }
        made = kinds[check.kind](**column, **bound)
    made.description = f"{check.name}: {bound_of(check.low, check.high)} {check.unit} ({check.address})"
    made.meta = {"name": check.name}
    made.severity = "warning" if warning else "critical"
    return made


def _verdict(check: Check, result: object | None, warning: tuple[str, ...]) -> dict:
    """What GX found, in the report's words; anything but a clear success is a failure."""
    found = result.result if result is not None else {}
    observed = found.get("observed_value", found.get("unexpected_count"))
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
