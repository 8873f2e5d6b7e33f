"""The report of a recipe: its shape, its figures against literals, and answers that do not belong to it."""

import json
from pathlib import Path

import datasets
import polars as pl
import pytest
from small_mill import RECIPES, evaluate_words

from stages import evaluate, schema, tasks
from stages.refusal import Refusal
from stages.splits import judged

KEYS = {
    "recipe", "task", "headline", "metrics", "likeliest", "slices", "base", "baselines", "reference", "calibration",
    "judge", "examples",
}  # fmt: skip


def report(mill: Path, name: str) -> dict:
    return json.loads((mill / f"data/reports/evaluate/{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", RECIPES)
def test_the_report_has_its_shape(mill, name):
    told, task = report(mill, name), tasks.load(RECIPES[name]["task"])
    assert set(told) == KEYS
    assert (told["recipe"], told["task"], told["headline"]) == (name, task.name, task.metrics[0])
    (slices,) = (told["slices"][of] for of in ("rating", "seen") if of in told["slices"])
    parts = [told["metrics"], told["base"]["metrics"], *slices.values(), *told["baselines"].values()]
    for metrics in parts:
        assert set(metrics) == set(task.metrics)
        for one in metrics.values():
            assert set(one) == {"value", "low", "high", "n"}
            assert one["low"] <= one["value"] + 1e-6 and one["value"] <= one["high"] + 1e-6
    assert list(slices) == (
        ["1", "2", "3", "4", "5"] if name != "bert-pair" else ["unseen_answers", "unseen_questions"]
    )
    headlines = [part[told["headline"]] for part in slices.values()]
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


def test_right_of_the_rare_ratings_is_of_those_rows_alone(mill):
    told = report(mill, "t5-full")
    ratings = pl.Series(datasets.load_from_disk(str(mill / "data/tokens/t5-full/test"))["rating"])
    rare = told["metrics"]["right_rare"]
    assert rare["n"] == (ratings <= 3).sum() < told["metrics"]["right"]["n"] == len(ratings)


def test_the_nearest_review_is_one_that_the_judge_has_not_learnt(in_mill, write_settings, monkeypatch):
    write_settings()
    seen = []
    monkeypatch.setattr(evaluate, "baselines", lambda free, train, test: seen.append(train) or ())
    for name in ("t5-full", "bert-full"):
        evaluate.main(*evaluate_words(name, "out.json"))
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
    evaluate.main(*evaluate_words("bert-full", "out.json", "known.parquet"))
    told = json.loads(Path("out.json").read_text())
    assert told["metrics"]["accuracy"]["value"] == 0.75
    assert told["base"]["metrics"]["accuracy"]["value"] == told["base"]["metrics"]["macro_f1"]["value"] == 1.0
    assert told["metrics"]["macro_f1"]["value"] < 1.0


def test_the_same_answers_give_the_same_report(mill, in_mill, write_settings):
    write_settings()
    evaluate.main(*evaluate_words("t5-full", "out.json"))
    assert Path("out.json").read_bytes() == (mill / "data/reports/evaluate/t5-full.json").read_bytes()


def test_marks_are_set_against_ridge_and_sliced_by_whether_the_question_was_trained_on(in_mill, mill, write_settings):
    write_settings()
    told = report(mill, "bert-pair")
    assert set(told["baselines"]) == {"majority", "tfidf_ridge", "overlap_ridge"} and told["judge"] is None
    assert {key: of["rmse"]["n"] for key, of in told["slices"]["seen"].items()} == dict.fromkeys(
        told["slices"]["seen"], 10
    )
    assert told["slices"]["question"] == {}, "no question has twenty test rows"
    answers = schema.read("data/answers/bert-pair.parquet", schema.ANSWERS)
    schema.write("known.parquet", answers.with_columns(answer="target", base_answer=pl.lit("none")), schema.ANSWERS)
    evaluate.main(*evaluate_words("bert-pair", "out.json", "known.parquet"))
    told = json.loads(Path("out.json").read_text())
    right = {name: one["value"] for name, one in told["metrics"].items()}
    assert right == {"kappa": 1.0, "rmse": 0.0, "pearson": 1.0, "spearman": 1.0, "readable": 1.0}
    assert told["base"]["metrics"]["readable"]["value"] == told["base"]["metrics"]["kappa"]["value"] == 0.0


def test_a_question_with_enough_rows_has_figures_of_its_own():
    rows = pl.DataFrame({"question": ["often"] * 20 + ["seldom"] * 19, "mark": [0.5] * 39})
    train = pl.DataFrame({"question": ["often", "other"]})
    found = evaluate.slices(tasks.load("answer_score"), train, rows)
    assert {of: {key: part.height for key, part in parts.items()} for of, parts in found.items()} == {
        "seen": {"unseen_answers": 20, "unseen_questions": 19}, "question": {"often": 20},
    }  # fmt: skip


@pytest.mark.parametrize("change", ["reversed", "fewer", "another recipe"])
def test_answers_that_are_not_the_recipes_are_refused(in_mill, write_settings, change):
    write_settings()
    answers = schema.read("data/answers/bert-full.parquet", schema.ANSWERS)
    other = {"reversed": answers.reverse(), "fewer": answers.head(7),
             "another recipe": answers.with_columns(id=pl.lit("x") + pl.col("id"))}[change]  # fmt: skip
    schema.write("other.parquet", other, schema.ANSWERS)
    with pytest.raises(Refusal) as refused:
        evaluate.main(*evaluate_words("bert-full", "out.json", "other.parquet"))
    assert (refused.value.where, refused.value.do) == ("other.parquet", "dvc repro -f predict@bert-full")
    assert not Path("out.json").exists()


def test_each_row_of_each_contestant_has_its_score(mill):
    """The report's figures are the means of the scores table; a figure of all rows stands there as said and true."""
    told, scores = report(mill, "t5-text"), schema.read(mill / "data/scores/t5-text.parquet", schema.SCORES)
    answers = schema.read(mill / "data/answers/t5-text.parquet", schema.ANSWERS)
    figures = {"answer": told["metrics"], "likeliest": told["likeliest"], "base": told["base"]["metrics"],
               "base_likeliest": told["base"]["likeliest"]} | told["baselines"]  # fmt: skip
    assert set(scores["contestant"]) == set(figures)
    assert set(scores["metric"]) == {"accuracy", "off_label", "said", "true", "brier"}
    for who, metrics in figures.items():
        own = scores.filter(contestant=who)
        for metric in ("accuracy", "off_label"):
            of = own.filter(metric=metric)
            assert of["id"].to_list() == answers["id"].to_list()
            assert of["value"].mean() == pytest.approx(metrics[metric]["value"], abs=1e-6)
        true = own.filter(metric="true")["value"].to_list()
        assert [tasks.load("sentiment_text").labels[int(one)] for one in true] == answers["target"].to_list()
    assert scores.filter(contestant="answer", metric="brier")["value"].mean() == pytest.approx(
        told["calibration"]["tuned"]["brier"]["value"], abs=1e-6
    )


def test_a_label_outside_the_labels_is_counted_and_wrong(in_mill, write_settings):
    write_settings()
    answers = schema.read("data/answers/t5-text.parquet", schema.ANSWERS)
    said = pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("splendid")).otherwise("target")
    schema.write("known.parquet", answers.with_columns(answer=said), schema.ANSWERS)
    evaluate.main(*evaluate_words("t5-text", "out.json", "known.parquet"))
    told = json.loads(Path("out.json").read_text())
    assert told["metrics"]["off_label"] == {"value": 0.25, "low": 0.111862, "high": 0.468701, "n": 20}
    assert told["metrics"]["accuracy"]["value"] == 0.75
    assert told["likeliest"]["off_label"]["value"] == 0.0
    scores = schema.read("data/scores/t5-text.parquet", schema.SCORES)
    assert scores.filter(contestant="answer", metric="said")["value"].to_list()[:5] == [3.0] * 5


def test_probabilities_are_calibrated_where_there_are_some(mill):
    assert report(mill, "t5-full")["calibration"] is None
    for name in ("t5-text", "bert-lora"):
        told = report(mill, name)["calibration"]
        assert set(told) == {"tuned", "base"} and told["tuned"] != told["base"]
        assert sum(one["n"] for one in told["tuned"]["bins"]) == 20


def test_the_baselines_seconds_are_kept_apart_from_what_has_to_be_the_same(mill):
    took = json.loads((mill / "data/reports/baselines/bert-full.json").read_text())
    assert set(took) == set(report(mill, "bert-full")["baselines"]) and min(took.values()) >= 0
    assert took["tfidf_words"] > took["majority"]
