"""What each answer of each contestant is worth by itself, as one table: what `compare` draws its tests from."""

import polars as pl

from stages.metrics.calibration import brier
from stages.schema import SCORES


def scores(
    measured: dict[str, dict], basis: dict[str, dict], given: pl.DataFrame, labels: tuple[str, ...]
) -> pl.DataFrame:
    """The scores table (see schema).

    measured: contestant → metric → what each row scores, or one figure of all rows, which is left out. basis:
    contestant → column → numbers that such a figure can be taken again from (significance.WHOLE). given: the answers.
    """
    columns = {
        (who, metric): each
        for told in (measured, basis)
        for who, of in told.items()
        for metric, each in of.items()
        if not isinstance(each, dict)
    }
    for who, chances in (("answer", "probabilities"), ("base", "base_probabilities")):
        if not given[chances].null_count():
            columns[(who, "brier")] = brier(given[chances].to_list(), given["target"].to_list(), labels)
    return pl.concat(
        pl.DataFrame({"id": given["id"], "value": [None if one is None else float(one) for one in each]}).select(
            "id", contestant=pl.lit(who), metric=pl.lit(metric), value=pl.col("value").cast(SCORES["value"])
        )
        for (who, metric), each in columns.items()
    )
