"""Rows of one group (a place, a film) gathered into one: its reviews, their sentences, what people wrote of it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from stages import sentences
from stages.params import Gather, References
from stages.refusal import Refusal
from stages.splits import fraction

MOST_KEYWORDS = 6


def gather(
    rows: pl.DataFrame, want: Gather, split: str, language: str, most: int | None, seed: int, written: pl.DataFrame
) -> pl.DataFrame:
    """At most `most` gathered rows of one split: up to want.reviews reviews of each group, chosen by a hash of id.

    What trains and validates may have fewer (want.learn). Groups of fewer than want.least reviews are left out.
    Training groups are drawn want.draws times, each time other reviews in another order: an augmentation, and `copy`
    counts it. All of a group lies in one split, since splits follow groups. Columns: those of the enriched table and
    copy, reviews (list of {rating, text}), sentences (list of {category, rating, review, text}, `review` the position
    in `reviews`), references (list of {category, text}), categories, silent. id is the group; rating the mean, rounded;
    text all reviews, one after the other; keywords their commonest.
    """
    rows = rows.filter(pl.len().over("group") >= want.least)
    said = (
        rows.select("id", text=sentences.split(rows["text"])).explode("text").drop_nulls()
        .with_columns(category=pl.lit(""))
    )  # fmt: skip
    said = said.with_columns(category=sentences.tag(said["text"], want.categories, language))
    own = said.group_by("id", maintain_order=True).agg(said=pl.struct("category", "text"))
    draws = want.draws if split == "train" else 1
    size = want.reviews if split == "test" else want.learn or want.reviews
    drawn = [
        rows.with_columns(copy=pl.lit(copy, pl.Int64), order=fraction(rows["id"], f"gather {seed} {copy}"))
        for copy in range(draws)
    ]
    chosen = (
        pl.concat(drawn).sort("copy", "group", "order", "id")
        .filter(pl.int_range(pl.len()).over("copy", "group") < size)
        .with_columns(review=pl.int_range(pl.len()).over("copy", "group"))
        .join(own, on="id", how="left", maintain_order="left")
    )  # fmt: skip
    by = ["copy", "group"]
    table = chosen.group_by(by, maintain_order=True).agg(
        pl.col("rubrics").first(),
        pl.col("split").first(),
        rating=(pl.col("rating").mean() + 0.5).floor().cast(pl.Int8),
        text=pl.col("text").str.join(" "),
        reviews=pl.struct(pl.col("rating").cast(pl.Int64), "text"),
    )
    spoken = (
        chosen.select(*by, pl.col("rating").cast(pl.Int64), "review", "said").explode("said").drop_nulls("said")
        .unnest("said").group_by(by, maintain_order=True)
        .agg(sentences=pl.struct("category", "rating", "review", "text"))
    )  # fmt: skip
    common = (
        chosen.select(*by, "keywords").explode("keywords").drop_nulls().group_by(*by, "keywords").len()
        .sort(*by, -pl.col("len").cast(pl.Int64), "keywords").group_by(by, maintain_order=True)
        .agg(pl.col("keywords").head(MOST_KEYWORDS))
    )  # fmt: skip
    table = (
        table.join(spoken, on=by, how="left").join(common, on=by, how="left").join(written, on="group", how="left")
        .with_columns(
            pl.col("keywords").fill_null([]), pl.col("sentences").fill_null([]), pl.col("references").fill_null([]),
            id=pl.col("group"), categories=pl.lit(list(want.categories)), silent=pl.lit(want.silent),
            order=fraction(table["group"], f"pick {seed}"),
        )
        .sort("copy", "order", "group")
    )  # fmt: skip
    return table.head(most if most else table.height).drop("order")


def references(want: References | None, split: str, categories: Mapping[str, object]) -> pl.DataFrame:
    """What people wrote of each group, for the splits that want it: group, references (list of {category, text}).

    Refuses a file that is missing, is another one, or lacks a column.
    """
    empty = pl.DataFrame(schema={"group": pl.String, "references": pl.List(pl.Struct(
        {"category": pl.String, "text": pl.String}))})  # fmt: skip
    if want is None or split not in want.splits:
        return empty
    path, do = Path(want.path), "put the file there, or correct the recipe's rows.gather.references"
    if not path.is_file():
        raise Refusal("a parquet table of references", "no such file", want.path, do)
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != want.sha256:
        raise Refusal(f"sha256 {want.sha256}", found, want.path, do)
    table = pl.read_parquet(path)
    names = {"group": want.group, "category": want.category, "text": want.text}
    if lacking := [column for column in names.values() if column not in table.columns]:
        raise Refusal(f"the columns {', '.join(names.values())}", f"no {', '.join(lacking)}", want.path, do)
    table = table.select(pl.col(column).cast(pl.String).alias(name) for name, column in names.items())
    plain = pl.col("text").str.replace_all(r"[|｜]", "/").str.replace_all(r"\s+", " ").str.strip_chars()
    table = table.with_columns(plain).filter(pl.col("category").is_in(list(categories)), pl.col("text") != "")
    return table.group_by("group", maintain_order=True).agg(references=pl.struct("category", "text"))
