"""A corpus repeated for measuring is new text each time: else the stages would be timed on duplicates."""

import polars as pl

from benchmarks.repeated import repeated
from stages.duplicates import collapse, fingerprints
from stages.sources import sample

COLUMNS = {"text": "said", "rating": "stars", "id": "number", "group": "place"}


def corpus(rows: int) -> pl.DataFrame:
    made = sample.generate("films", rows, seed=1).drop_nulls("text").unique("id", maintain_order=True)
    return made.select(said="text", stars="rating", number=pl.int_range(pl.len()), place="group", more=pl.lit(1))


def test_repeated_corpus_has_the_rows_asked_for_and_unique_ids():
    base = corpus(200)
    rows = pl.concat(repeated(base, COLUMNS, base.height * 5 + 7))
    assert rows.height == base.height * 5 + 7
    assert rows.columns == list(COLUMNS.values())
    assert rows["number"].is_unique().all()
    assert rows["stars"].head(base.height).equals(rows["stars"].slice(base.height, base.height))


def test_repetition_adds_no_duplicate_to_those_of_the_corpus():
    base = pl.concat([corpus(300), pl.DataFrame({"said": ["ok", "ok", "good", "<br", "ok good"]}).select(
        "said", stars=pl.lit("1"), number=pl.int_range(1000, 1005), place=pl.lit("x"), more=pl.lit(1))],
        how="vertical_relaxed")  # fmt: skip
    rows = pl.concat(repeated(base, COLUMNS, base.height * 6))
    assert rows["said"].n_unique() == 6 * base["said"].n_unique()


def test_repetition_is_no_near_duplicate():
    base = corpus(300)
    texts = pl.concat(repeated(base, COLUMNS, base.height * 3))["said"].unique(maintain_order=True)
    ratings = pl.Series([5] * texts.len(), dtype=pl.Int8)

    def near(some: pl.Series) -> int:
        reasons = collapse(some, ratings.head(some.len()), fingerprints(some, 0.8), 0.8)
        return int((reasons == "near_duplicate").sum())

    assert near(texts) <= 3 * near(base["said"].unique(maintain_order=True)) + texts.len() // 100


def test_same_seed_gives_the_same_rows_and_fewer_rows_are_a_sample():
    base = corpus(100)
    once, again = (pl.concat(repeated(base, COLUMNS, 250)) for _ in range(2))
    assert once.equals(again)
    few = pl.concat(repeated(base, COLUMNS, 30))
    assert few.height == 30
    assert few["number"].cast(pl.Int64).is_sorted()
    assert few["number"].is_in(base["number"].cast(pl.String).implode()).all()
