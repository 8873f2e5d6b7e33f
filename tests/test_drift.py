"""Whether a source has drifted: known shifts are seen, chance is not, and the reason reads as a sentence."""

import numpy as np
import polars as pl
import pytest
import yaml
from small_mill import settings

from stages import drift, schema
from stages.files import read_json
from stages.params import Drift
from stages.refusal import Refusal
from stages.sources import sample

RULES = Drift(fewest=30, growth=0.5, psi=0.1, auc=0.65, sample=2000)


def reviews(rows: int, seed: int, corpus: str = "places", mark: str = "a") -> pl.DataFrame:
    """Sample reviews as an enriched table; `mark` keeps the ids and places of two draws apart."""
    table = sample.generate(corpus, rows, seed).filter(pl.col("rating").is_in(["1", "2", "3", "4", "5"]))
    table = table.filter(pl.col("text").str.len_chars() > 20).unique("text", keep="first", maintain_order=True)
    return table.select(
        id=pl.lit(mark) + pl.col("id"), group=pl.lit(mark) + pl.col("group"), rubrics="rubrics",
        rating=pl.col("rating").cast(pl.Int8), text="text", split=pl.lit("train"), question=pl.lit(None, pl.String),
        guide=pl.lit(None, pl.String), mark=pl.lit(0.5), keywords=pl.lit([], dtype=pl.List(pl.String)),
    )  # fmt: skip


BEFORE = reviews(1200, 1)


def asked(new: pl.DataFrame, rules: Drift = RULES) -> dict:
    return drift.drift(pl.concat([BEFORE, new]), BEFORE, rules, seed=1)


def test_rows_of_the_same_kind_are_no_reason_to_train():
    told = asked(reviews(300, 2, mark="b"))
    assert told["train"] is False
    assert told["rows"]["new"] > 200 and told["rows"]["gone"] == 0
    assert all(one["value"] < RULES.psi for one in told["psi"].values())
    assert told["auc"]["value"] < RULES.auc
    assert "and they are alike: PSI ratings" in told["reason"]


def test_other_ratings_are_seen_by_their_index_alone():
    new = reviews(1500, 2, mark="b").filter(pl.col("rating") < 3)
    told = asked(new)
    assert told["train"] and told["psi"]["ratings"]["value"] > 1 > told["psi"]["lengths"]["value"]
    assert "ratings moved, PSI" in told["reason"]


def test_longer_texts_are_seen():
    told = asked(reviews(300, 2, mark="b").with_columns(text=pl.col("text") + " " + pl.col("text")))
    assert told["train"] and told["psi"]["lengths"]["value"] > 0.5 and "lengths moved" in told["reason"]
    assert told["psi"]["ratings"]["value"] < 0.1


def test_another_language_is_seen_by_vocabulary_and_classifier():
    told = asked(reviews(300, 2, "films", "b"))
    assert told["psi"]["vocabulary"]["value"] > 1 and told["auc"]["value"] > 0.99
    assert "vocabulary moved" in told["reason"] and "AUC" in told["reason"]


def test_more_rows_of_the_same_kind_are_a_reason_once_they_are_many():
    new = reviews(300, 2, mark="b")
    told = asked(new, RULES.model_copy(update={"growth": 0.1}))
    assert told["train"] and told["reason"].endswith("(retrain.drift.growth 10.0%)")


def test_few_rows_are_not_looked_at_and_changed_ones_are_new():
    same = BEFORE.with_columns(text=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("другой")).otherwise("text"))
    told = drift.drift(same, BEFORE, RULES, seed=1)
    assert told["rows"] == {"before": BEFORE.height, "now": BEFORE.height, "new": 5, "gone": 5}
    assert told["auc"] is None and not told["train"]
    assert told["reason"].endswith("fewer than 30 (retrain.drift.fewest)")


def test_chance_alone_is_told_apart_from_a_shift():
    """The index of few equal rows is large, and so is what chance gives; with many rows both are small."""
    random = np.random.default_rng(0)
    draw = lambda rows, odds: random.multinomial(1, odds, rows)  # noqa: E731
    even, uneven = [0.2] * 5, [0.3, 0.1, 0.2, 0.2, 0.2]
    few, many = (drift.stability(draw(n, even), draw(n, even), 1) for n in (40, 4000))
    assert few["chance"] > 0.1 > 0.02 > max(many["chance"], many["value"])
    moved = drift.stability(draw(4000, uneven), draw(4000, even), 1)
    assert moved["value"] == pytest.approx(0.11, abs=0.03) and moved["value"] > 5 * moved["chance"]


def test_an_empty_bin_is_finite_and_equal_tables_give_nothing():
    left, right = np.eye(5)[[0] * 50], np.eye(5)[[4] * 50]
    assert drift.stability(left, right, 1)["value"] == pytest.approx(2 * 50 / 52.5 * np.log(101), rel=1e-3)
    assert drift.stability(left, left, 1)["value"] == 0


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    recipe = {"rows": {"from": "places", "where": {"rating": [5]}}}
    whole = settings()
    whole["recipes"]["bert-full"] = whole["recipes"]["bert-full"] | recipe
    whole["retrain"]["drift"] = RULES.model_dump()
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True), "utf-8")
    schema.write("before.parquet", BEFORE, schema.ENRICHED)
    schema.write("now.parquet", pl.concat([BEFORE, reviews(300, 2, mark="b")]), schema.ENRICHED)
    drift.main("bert-full", "now.parquet", "before.parquet", "drift.json")
    told = read_json("drift.json")
    assert told["rows"]["before"] == BEFORE.filter(rating=5).height
    assert f"drift bert-full: do not train: {told['reason']}" in capsys.readouterr().out
    first = (tmp_path / "drift.json").read_bytes()
    drift.main("bert-full", "now.parquet", "before.parquet", "drift.json")
    assert (tmp_path / "drift.json").read_bytes() == first
    with pytest.raises(Refusal):
        drift.main("bert-full", "now.parquet", "nowhere.parquet", "drift.json")
