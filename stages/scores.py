"""What each answer of each contestant is worth by itself, as one table: what `compare` draws its tests from."""

import polars as pl

from stages.metrics.calibration import brier
from stages.metrics.labels import codes
from stages.schema import SCORES


def scores(
    measured: dict[str, dict], told: dict[str, list[str]], given: pl.DataFrame, labels: tuple[str, ...]
) -> pl.DataFrame:
    """The scores table (see schema).

    measured: contestant → metric → what each row scores, or one figure of all rows, which is left out. told:
    contestant → its answers. given: the answers table. For a task with labels there stand, beside the metrics, the
    numbers of what was `said` and what was `true`, from which a figure of all rows can be taken again.
    """
    columns = {
        (who, metric): each for who, of in measured.items() for metric, each in of.items() if isinstance(each, list)
    }
    targets = given["target"].to_list()
    if labels:
        columns |= {(who, "said"): codes(texts, labels).tolist() for who, texts in told.items()}
        columns |= {(who, "true"): codes(targets, labels).tolist() for who in told}
    for who, chances in (("answer", "probabilities"), ("base", "base_probabilities")):
        if not given[chances].null_count():
            columns[(who, "brier")] = brier(given[chances].to_list(), targets, labels)
    return pl.concat(
        pl.DataFrame(
            {"id": given["id"], "value": pl.Series([None if one is None else float(one) for one in each])}
        ).select("id", contestant=pl.lit(who), metric=pl.lit(metric), value=pl.col("value").cast(SCORES["value"]))
        for (who, metric), each in columns.items()
    )
