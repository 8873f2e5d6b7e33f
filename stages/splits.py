"""Which rows train, validate and test: drawn once, by hashes, so that new rows never move old ones."""

import hashlib

import polars as pl


def fraction(values: pl.Series, salt: str) -> pl.Series:
    """A number in [0, 1) for each text, the same for equal texts, on every machine, for ever.

    >>> fraction(pl.Series(["a", "b", "a"]), "split").to_list()
    [0.5429605444047709, 0.16650909171594463, 0.5429605444047709]
    """
    unique = values.unique().to_list()
    numbers = {
        text: int.from_bytes(hashlib.blake2b(f"{salt}\0{text}".encode(), digest_size=6).digest(), "big") / 2**48
        for text in unique
    }
    return pl.Series(values.name, [numbers[text] for text in values.to_list()], dtype=pl.Float64)


def assign(groups: pl.Series, validation: float, test: float) -> pl.Series:
    """The split of each row by its group: all rows of one place or film lie in the same split."""
    where = fraction(groups, "split")
    split = pl.select(
        pl.when(where < test).then(pl.lit("test"))
        .when(where < test + validation).then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )  # fmt: skip
    return split.to_series().rename("split")


def judged(ids: pl.Series) -> pl.Series:
    """Whether a training row teaches its source's judge: every second one does, by a hash of its id.

    A baseline that copies training reviews may copy the others only, for a judge knows by heart what it learnt from.
    """
    return (fraction(ids, "judge") < 0.5).rename("judged")


def pick(rows: pl.DataFrame, most: int | None, even: bool, seed: int) -> pl.DataFrame:
    """At most `most` rows, chosen by a hash of id and seed; with `even`, equally many of each rating.

    An even draw takes as many of each rating as the rarest has, so none is repeated.
    """
    order = fraction(rows["id"], f"pick {seed}")
    rows = rows.with_columns(order.alias("_order")).sort("_order", "id")
    if even and rows.height:
        ratings = rows["rating"].n_unique()
        each = rows["rating"].value_counts()["count"].min()
        each = min(each, most // ratings) if most else each
        rows = rows.filter(pl.int_range(pl.len()).over("rating") < each)
    return rows.head(most if most else rows.height).drop("_order")
