"""Remedies for training rows of which one rating has most: nothing, a temperature, or a cap.

Validation and test rows are never balanced: a figure measured on them is about the reviews that there are.
"""

import polars as pl

from stages.params import Balance, Cap, Temperature
from stages.splits import fraction, pick


def balance(rows: pl.DataFrame, how: Balance, most: int | None, seed: int) -> pl.DataFrame:
    """At most `most` training rows, balanced as asked, with a column `copy`: 0, or n for the nth repetition of a row.

    none         as splits.pick draws them
    temperature  as many rows of each rating as `shares` gives it of min(most, all there are); what a rating has too
                 few of is repeated, each row a whole number of times and a rest drawn by a hash
    cap          at most cap.most of each rating, then at most `most` of all

    A repeated row keeps its id, since a hash of that decides who else may learn from it (splits.judged).
    """
    if isinstance(how, Cap):
        rows = _ordered(rows, seed)
        rows = rows.filter(pl.int_range(pl.len()).over("rating") < how.most)
    if not isinstance(how, Temperature):
        return pick(rows, most, even=False, seed=seed).with_columns(copy=pl.lit(0, pl.Int64))
    wanted = counts(rows["rating"], how.tau, min(most or rows.height, rows.height))
    ordered = _ordered(rows, seed).with_columns(
        wanted=pl.col("rating").replace_strict(wanted, return_dtype=pl.Int64), of=pl.len().over("rating")
    )
    times = pl.col("wanted") // pl.col("of") + (pl.int_range(pl.len()).over("rating") < pl.col("wanted") % pl.col("of"))
    at = ordered.select(pl.int_range(pl.len()).repeat_by(times).explode()).to_series().drop_nulls()
    drawn = (
        ordered[at]
        .drop("wanted", "of")
        .with_columns(copy=at.to_frame("at").select(pl.int_range(pl.len()).over("at")).to_series())
    )
    mixed = drawn.select(pl.format("{}#{}", "id", "copy")).to_series()
    return (
        drawn.with_columns(fraction(mixed, f"pick {seed}").alias("_order")).sort("_order", "id", "copy").drop("_order")
    )


def shares(present: dict[int, int], tau: float) -> dict[int, float]:
    """p ** tau / Σ p ** tau for the ratings that there are, p their shares (Conneau & Lample 2019, arXiv:1901.07291).

    tau 1 leaves the shares as they are, 0 makes them equal; between, rare ratings gain and keep their order.

    >>> shares({1: 100, 5: 900}, 0.5)
    {1: 0.25, 5: 0.75}
    """
    weights = {rating: (count / sum(present.values())) ** tau for rating, count in present.items()}
    return {rating: weight / sum(weights.values()) for rating, weight in weights.items()}


def counts(ratings: pl.Series, tau: float, total: int) -> dict[int, int]:
    """Rows of each rating that sum to `total`: the whole part of each share, the rest to the largest remainders."""
    wanted = {
        rating: share * total for rating, share in shares(dict(sorted(ratings.value_counts().rows())), tau).items()
    }
    whole = {rating: int(number) for rating, number in wanted.items()}
    left = total - sum(whole.values())
    for rating in sorted(wanted, key=lambda rating: (whole[rating] - wanted[rating], rating))[:left]:
        whole[rating] += 1
    return whole


def _ordered(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The order that splits.pick draws in: by a hash of id and seed."""
    return rows.with_columns(fraction(rows["id"], f"pick {seed}").alias("_order")).sort("_order", "id").drop("_order")
