"""The report of a recipe: its shape, its figures against literals, and answers that do not belong to it."""

import json
from pathlib import Path

import polars as pl
import pytest
from small_mill import RECIPES

from stages import evaluate, schema, tasks
from stages.refusal import Refusal
from stages.splits import judged

JUDGED = ["data/judges/places", "data/reports/judge/places.json"]
KEYS = {"recipe", "task", "headline", "metrics", "slices", "base", "baselines", "reference", "judge", "examples"}


def report(mill: Path, name: str) -> dict:
    return json.loads((mill / f"data/reports/evaluate/{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", RECIPES)
def test_the_report_has_its_shape(mill, name):
    told, task = report(mill, name), tasks.load(RECIPES[name]["task"])
    assert set(told) == KEYS
    assert (told["recipe"], told["task"], told["headline"]) == (name, task.name, task.metrics[0])
    parts = [told["metrics"], told["base"]["metrics"], *told["slices"]["rating"].values(), *told["baselines"].values()]
    for metrics in parts:
        assert set(metrics) == set(task.metrics)
        for one in metrics.values():
            assert set(one) == {"value", "low", "high", "n"}
            assert one["low"] <= one["value"] + 1e-6 and one["value"] <= one["high"] + 1e-6
    assert list(told["slices"]["rating"]) == ["1", "2", "3", "4", "5"]
    headlines = [part[told["headline"]] for part in told["slices"]["rating"].values()]
    assert sum(one["n"] for one in headlines) == told["metrics"][told["headline"]]["n"] == 20
    assert len(told["examples"]) == 10
    assert set(told["examples"][0]) == {"rating", "prompt", "target", "answer", "base_answer"}


def test_free_text_is_judged_and_set_against_people(mill):
    told = report(mill, "t5-full")
    heard = json.loads((mill / "data/reports/judge/places.json").read_text())
    assert set(told["baselines"]) == {"nearest_review"}
    assert told["judge"] == {key: heard[key] for key in ("kind", "accuracy", "tone_accuracy", "criteria")}
    assert told["reference"]["chrf"]["value"] == 100.0  # people's own reviews are their own reference
    assert told["reference"]["keyword_recall"]["value"] == 1.0  # a keyword is a lemma of its review


def test_the_nearest_review_is_one_that_the_judge_has_not_learnt(in_mill, write_settings, monkeypatch):
    write_settings()
    seen = []
    monkeypatch.setattr(evaluate, "baselines", lambda free, train, test: seen.append(train) or {})
    for name in ("t5-full", "bert-full"):
        evaluate.main(name, f"data/tokens/{name}", f"data/answers/{name}.parquet", *JUDGED, "out.json")
    train = schema.read("data/enriched/places.parquet", schema.ENRICHED).filter(split="train")
    unheard = set(train.filter(~judged(train["id"]))["id"])
    assert 20 < len(unheard) < 60 and set(seen[0]["id"]) == unheard
    assert seen[1].height == 80  # labels are not judged, so their baselines learn from every row


def test_labels_are_set_against_linear_classifiers(mill):
    told = report(mill, "bert-full")
    assert set(told["baselines"]) == {"majority", "tfidf_words", "tfidf_characters"}
    assert told["reference"] is told["judge"] is None


def test_the_figures_are_those_of_the_answers(in_mill, write_settings):
    write_settings()
    answers = schema.read("data/answers/bert-full.parquet", schema.ANSWERS)
    right = pl.when(pl.int_range(pl.len()) < 15).then("target").otherwise(pl.lit("none"))
    schema.write("known.parquet", answers.with_columns(answer=right, base_answer="target"), schema.ANSWERS)
    evaluate.main("bert-full", "data/tokens/bert-full", "known.parquet", *JUDGED, "out.json")
    told = json.loads(Path("out.json").read_text())
    assert told["metrics"]["accuracy"]["value"] == 0.75
    assert told["base"]["metrics"]["accuracy"]["value"] == told["base"]["metrics"]["macro_f1"]["value"] == 1.0
    assert told["metrics"]["macro_f1"]["value"] < 1.0


def test_the_same_answers_give_the_same_report(mill, in_mill, write_settings):
    write_settings()
    words = ["t5-full", "data/tokens/t5-full", "data/answers/t5-full.parquet", *JUDGED]
    evaluate.main(*words, "out.json")
    assert Path("out.json").read_bytes() == (mill / "data/reports/evaluate/t5-full.json").read_bytes()


@pytest.mark.parametrize("change", ["reversed", "fewer", "another recipe"])
def test_answers_that_are_not_the_recipes_are_refused(in_mill, write_settings, change):
    write_settings()
    answers = schema.read("data/answers/bert-full.parquet", schema.ANSWERS)
    other = {"reversed": answers.reverse(), "fewer": answers.head(7),
             "another recipe": answers.with_columns(id=pl.lit("x") + pl.col("id"))}[change]  # fmt: skip
    schema.write("other.parquet", other, schema.ANSWERS)
    with pytest.raises(Refusal) as refused:
        evaluate.main("bert-full", "data/tokens/bert-full", "other.parquet", *JUDGED, "out.json")
    assert (refused.value.where, refused.value.do) == ("other.parquet", "dvc repro -f predict@bert-full")
    assert not Path("out.json").exists()
