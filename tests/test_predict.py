"""Both answers to each test row, in its order, the same each time."""

import json
import shutil
from pathlib import Path

import datasets
import polars as pl
import pytest
from small_mill import RECIPES, predict_words

from stages import predict, schema
from stages.models import composing
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal


@pytest.mark.parametrize("name", RECIPES)
def test_each_test_row_is_answered_in_its_place(mill, name):
    rows = datasets.load_from_disk(str(mill / f"data/tokens/{name}/test"))
    answers = schema.read(mill / f"data/answers/{name}.parquet", schema.ANSWERS)
    for column in ("id", "rating", "prompt", "target"):
        assert answers[column].to_list() == list(rows[column])
    assert answers["answer"].null_count() == answers["base_answer"].null_count() == 0


@pytest.mark.parametrize("name", ["bert-full", "bert-lora"])
def test_a_label_comes_with_its_probability(mill, name):
    answers = schema.read(mill / f"data/answers/{name}.parquet", schema.ANSWERS)
    assert set(answers["answer"]) <= {"negative", "neutral", "positive"}
    assert answers["confidence"].is_between(1 / 3, 1).all() and answers["base_confidence"].is_between(1 / 3, 1).all()
    assert answers["confidence"].to_list() != answers["base_confidence"].to_list()


@pytest.mark.parametrize("name", ["t5-text", "bert-full"])
def test_every_label_has_its_probability(mill, name):
    answers = schema.read(mill / f"data/answers/{name}.parquet", schema.ANSWERS)
    for column in ("probabilities", "base_probabilities"):
        assert all(len(each) == 3 and sum(each) == pytest.approx(1, abs=1e-5) for each in answers[column])
    assert answers["probabilities"].to_list() != answers["base_probabilities"].to_list()


def test_a_family_that_writes_also_says_which_label_is_likeliest(mill):
    wrote, chose = (
        schema.read(mill / f"data/answers/{name}.parquet", schema.ANSWERS) for name in ("t5-text", "bert-full")
    )
    labels = ("negative", "neutral", "positive")
    assert set(wrote["likeliest"]) | set(wrote["base_likeliest"]) <= set(labels)
    assert not set(wrote["base_answer"]) <= set(labels)  # untuned, it writes what it likes
    assert wrote["confidence"].null_count() == wrote.height
    assert chose["likeliest"].null_count() == chose.height  # an encoder's answer is its likeliest label
    best = [labels[each.to_list().index(max(each))] for each in chose["probabilities"]]
    assert best == chose["answer"].to_list()
    assert chose["confidence"].to_list() == [max(each) for each in chose["probabilities"]]


@pytest.mark.parametrize("name", ["t5-full", "t5-text", "bert-lora"])
def test_the_speed_is_measured_in_bulk_and_alone(mill, name):
    told = json.loads((mill / f"data/reports/speed/{name}.json").read_text())
    both = {"seconds_likeliest", "base_seconds_likeliest"} if name == "t5-text" else set()
    assert set(told) == both | {"seconds", "base_seconds", "rows_per_second", "latency_ms", "requests", "device",
                                "peak_mib", "peak_gpu_mib"}  # fmt: skip
    assert 0 < told["requests"] <= 20 and 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p95"]
    assert told["rows_per_second"] == pytest.approx(20 / told["seconds"], rel=0.2)


@pytest.mark.parametrize(("name", "splits"), [("t5-full", {"test", "train"}), ("t5-text", {"test"})])
def test_training_rows_are_opened_where_candidates_borrow_from_them_alone(
    in_mill, write_settings, monkeypatch, name, splits
):
    write_settings()
    opened, whole = set(), datasets.load_from_disk
    monkeypatch.setattr(predict.datasets, "load_from_disk", lambda path: (opened.add(Path(path).name), whole(path))[1])
    predict.main(*predict_words(name, "opened.parquet"))
    assert opened == splits


def test_requests_end_when_patience_does(monkeypatch):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(predict.time, "monotonic", lambda: next(clock))
    told = predict.latency(lambda ids: None, [[1]] * 50)
    assert told == {"latency_ms": {"p50": 3000.0, "p95": 3000.0}, "requests": 2}


def test_a_regressor_gives_a_number_and_no_probability(mill):
    answers = schema.read(mill / "data/answers/bert-pair.parquet", schema.ANSWERS)
    numbers = answers["answer"].cast(pl.Float64)
    assert numbers.is_between(-1, 2).all() and answers["confidence"].null_count() == answers.height
    assert answers["answer"].to_list() != answers["base_answer"].to_list()


def test_free_text_has_no_confidence(mill):
    answers = schema.read(mill / "data/answers/t5-full.parquet", schema.ANSWERS)
    assert answers["confidence"].null_count() == answers.height
    assert answers["answer"].to_list() != answers["base_answer"].to_list()
    assert not answers["answer"].str.contains("</s>|<pad>|<extra_id").any()


@pytest.mark.parametrize("name", ["t5-lora", "t5-text", "bert-lora"])
def test_the_seed_decides_the_answers(mill, in_mill, write_settings, name):
    write_settings()
    predict.main(*predict_words(name, "again.parquet"))
    assert Path("again.parquet").read_bytes() == (mill / f"data/answers/{name}.parquet").read_bytes()


def test_another_seed_draws_other_answers(mill, in_mill, write_settings):
    write_settings(seed=5)
    predict.main(*predict_words("t5-full", "other.parquet"))
    told = [schema.read(path, schema.ANSWERS)["answer"].to_list()
            for path in ("other.parquet", mill / "data/answers/t5-full.parquet")]  # fmt: skip
    assert told[0] != told[1]


def test_model_and_base_answer_with_the_same_draws(in_mill, write_settings):
    """What differs between the two answers is then the training alone."""
    write_settings()
    predict.main(*predict_words("t5-full", "out.parquet", model="data/bases/t5"))
    answers = schema.read("out.parquet", schema.ANSWERS)
    assert answers["answer"].to_list() == answers["base_answer"].to_list()


def test_an_adapters_answers_are_its_own(mill, in_mill, write_settings):
    """A LoRA that was not applied would answer as its base does."""
    answers = schema.read(mill / "data/answers/t5-lora.parquet", schema.ANSWERS)
    assert answers["answer"].to_list() != answers["base_answer"].to_list()


def test_of_three_sentences_the_one_that_says_a_keyword_goes_on(in_mill, write_settings, monkeypatch):
    write_settings()
    rows = datasets.load_from_disk("data/tokens/t5-full/test")
    tokenizer = tokenizers.load("data/bases/t5")
    asked = {tuple(ids): " ".join(words) for ids, words in zip(rows["input_ids"], rows["keywords"], strict=True)}

    def three(read, prompts, written, limit, settings, keys):
        told = ["ничего.", "", "совсем ничего."] * (len(prompts) // 3)
        told[1::3] = [asked[tuple(prompt)] for prompt in prompts[1::3]]
        return [so_far + tokenizer(text)["input_ids"] for so_far, text in zip(written, told, strict=True)]

    monkeypatch.setattr(composing.choosing, "LIKELY", 0.0)  # a hardly trained model's likelihood says nothing
    monkeypatch.setattr(composing.choosing, "SAID", 1000.0)
    monkeypatch.setattr("stages.models.composing.extend", three)
    predict.main(*predict_words("t5-full", "data/answers/chosen.parquet"))
    given = schema.read("data/answers/chosen.parquet", schema.ANSWERS)["answer"].to_list()
    wanted = [at for at, one in enumerate(rows["keywords"]) if one]
    spelt = [tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) for text in asked.values()]
    assert len(wanted) > 10 and [given[at] for at in wanted] == [spelt[at] for at in wanted]


def test_a_row_that_is_drawn_is_answered_alike_in_any_table_and_batch(in_mill, write_settings):
    write_settings()
    whole = datasets.load_from_disk("data/tokens/t5-full/test")
    told = {}
    for name, order, batch in (("all", range(9), 256), ("some", [7, 3, 8, 2], 2)):
        wish = {"sample": True, "top_k": 20, "no_repeat": 3, "candidates": 3, "forced": True, "batch": batch}
        write_settings(recipes={"t5-full": RECIPES["t5-full"] | {"predict": wish}})
        shutil.copytree("data/tokens/t5-full", f"data/tokens/{name}")
        shutil.rmtree(f"data/tokens/{name}/test")
        whole.select(list(order)).save_to_disk(f"data/tokens/{name}/test")
        words = predict_words("t5-full", f"{name}.parquet")
        predict.main(words[0], f"data/tokens/{name}", *words[2:])
        told[name] = dict(schema.read(f"{name}.parquet", schema.ANSWERS).select("id", "answer").iter_rows())
    assert told["some"] == {key: told["all"][key] for key in told["some"]} and len(set(told["some"].values())) == 4


def engine(name: str, **words) -> dict:
    wish = RECIPES[name]["predict"] | {"engine": "ctranslate2"} | words
    return {"recipes": {name: RECIPES[name] | {"predict": wish}}}


def test_ctranslate2_writes_what_transformers_writes(mill, in_mill, write_settings):
    write_settings(**engine("t5-text"))
    predict.main(*predict_words("t5-text", "fast.parquet"))
    told, own = (schema.read(path, schema.ANSWERS) for path in ("fast.parquet", mill / "data/answers/t5-text.parquet"))
    assert told.equals(own), "labels' chances are transformers' in both"


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_an_adapter_is_merged_for_ctranslate2_and_its_draws_repeat(in_mill, write_settings, kind):
    write_settings(**engine("t5-lora", compute_type=kind))
    for name in ("a", "b"):
        predict.main(*predict_words("t5-lora", f"{name}.parquet"))
    told = schema.read("a.parquet", schema.ANSWERS)
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()
    assert told["answer"].to_list() != told["base_answer"].to_list() and told["answer"].n_unique() > 15


def test_candidates_of_a_task_without_a_rule_are_refused(in_mill, write_settings):
    wish = {"candidates": 2, "sample": True}
    write_settings(recipes={"t5-text": RECIPES["t5-text"] | {"predict": wish}})
    with pytest.raises(Refusal) as refused:
        predict.main(*predict_words("t5-text", "data/answers/none.parquet"))
    assert refused.value.where == "params.yaml: recipes.t5-text.predict.candidates"
