"""The judge of a source: the best of three is kept, and says how far it can be trusted."""

import json
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from stages import criteria, judge, schema
from stages.broken import FAULTS
from stages.models import critic, linear
from stages.models.features import features
from stages.params import Numerics
from stages.refusal import Refusal
from stages.splits import judged

TABLE = "data/enriched/places.parquet"


@pytest.fixture
def told(mill) -> dict:
    return json.loads((mill / "data/reports/judge/places.json").read_text())


def test_the_report_has_its_shape(mill, told):
    assert set(told) == {"kind", "candidates", "rows", "accuracy", "tone_accuracy", "slices", "criteria"}
    assert set(told["candidates"]) == {"tfidf_words", "tfidf_characters", "encoder"}
    learnt = judged(schema.read(mill / TABLE, schema.ENRICHED).filter(split="train")["id"]).sum()
    assert 20 < learnt < 60  # of 80 training rows
    assert (told["rows"], told["accuracy"]["n"], told["tone_accuracy"]["n"]) == (learnt, 20, 20)
    assert told["tone_accuracy"]["value"] >= told["accuracy"]["value"]
    by_rating = told["slices"]["rating"]
    assert {rating: one["accuracy"]["n"] for rating, one in by_rating.items()} == dict.fromkeys("12345", 4)
    hits = sum(one["accuracy"]["value"] * 4 for one in by_rating.values())
    assert hits == pytest.approx(20 * told["accuracy"]["value"])


def test_the_kind_kept_is_the_best_of_the_candidates(told):
    assert told["candidates"][told["kind"]] == max(told["candidates"].values())


def test_the_classifier_in_the_folder_is_the_one_reported(mill, told):
    folder = mill / "data/judges/places"
    rows = schema.read(mill / TABLE, schema.ENRICHED).filter(split="test")
    said = linear.load(folder).predict(rows["text"].to_list(), partial(features, folder / linear.ENCODER))
    right = [int(s) == r for s, r in zip(said, rows["rating"], strict=True)]
    assert sum(right) / 20 == told["accuracy"]["value"]
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".safetensors", ".parquet"}


@pytest.mark.parametrize("kind", [*linear.TFIDF, linear.ENCODER])
def test_any_kind_may_win_and_brings_what_it_needs(in_mill, write_settings, monkeypatch, kind):
    write_settings()
    monkeypatch.setattr(judge, "mean_recall", lambda model, rows, encode: 0.9 if model.kind == kind else 0.2)
    judge.main("places", TABLE, "data/bases/bert", "j", "j.json")
    assert json.loads(Path("j.json").read_text())["kind"] == linear.load(Path("j")).kind == kind
    assert Path("j/encoder/model.safetensors").is_file() == (kind == linear.ENCODER)


def test_mean_recall_weighs_ratings_the_same():
    class Always5:
        def predict(self, texts, features):
            return ["5"] * len(texts)

    rows = pl.DataFrame({"text": ["a"] * 10, "rating": [5] * 8 + [1, 2]})
    assert judge.mean_recall(Always5(), rows, None) == 0.333333


def test_the_same_rows_give_the_same_judge(mill, in_mill, write_settings):
    write_settings()
    judge.main("places", TABLE, "data/bases/bert", "j", "j.json")
    assert Path("j.json").read_bytes() == (mill / "data/reports/judge/places.json").read_bytes()
    first = mill / "data/judges/places"
    for one in ("linear.json", "linear.safetensors"):
        assert (Path("j") / one).read_bytes() == (first / one).read_bytes()


@pytest.mark.parametrize("kept", ["one rating", "no validation", "no test"])
def test_rows_that_teach_nothing_are_refused(in_mill, write_settings, kept):
    write_settings()
    rows = schema.read(TABLE, schema.ENRICHED)
    few = {"one rating": pl.col("rating") == 5, "no validation": pl.col("split") != "validation",
           "no test": pl.col("split") != "test"}[kept]  # fmt: skip
    schema.write("few.parquet", rows.filter(few), schema.ENRICHED)
    with pytest.raises(Refusal) as refused:
        judge.main("places", "few.parquet", "data/bases/bert", "j", "j.json")
    assert refused.value.where == "few.parquet"
    assert not Path("j").exists() and not Path("j.json").exists()


def test_people_pass_and_broken_reviews_are_caught(told):
    tried = told["criteria"]
    assert set(tried["bounds"]) == set(criteria.SIGNALS) and tried["bounds"]["keywords"] == 0.5
    assert set(tried["people"]) == {*criteria.CRITERIA, "right"} and tried["people"]["right"]["n"] == 20
    assert tried["people"]["keywords_said"]["value"] == 1.0  # a keyword is a lemma of its review
    assert {fault: one["criterion"] for fault, one in tried["caught"].items()} == FAULTS
    assert tried["caught"]["missing_keywords"]["own"]["value"] == 1.0
    assert tried["caught"]["repeated"]["own"]["value"] == 1.0
    for one in tried["caught"].values():
        assert one["right"]["value"] >= one["own"]["value"]
    assert {rating: one["n"] for rating, one in tried["people_by_rating"].items()} == dict.fromkeys("12345", 4)


def test_the_judge_is_kept_whole(mill, told):
    rows = schema.read(mill / TABLE, schema.ENRICHED).filter(split="test")
    folder = mill / "data/judges/places"
    opened = critic.load(folder, "ru", Numerics(threads=1, matmul="highest"), 1)
    said = criteria.verdicts(opened.signals(rows, rows["text"].to_list()), told["criteria"]["bounds"])
    assert {name: said[name].mean() for name in said.columns} == {
        name: pytest.approx(one["value"]) for name, one in told["criteria"]["people"].items()
    }
