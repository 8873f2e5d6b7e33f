"""Both answers to each test row, in its order, the same each time."""

from pathlib import Path

import datasets
import pytest
from small_mill import RECIPES

from stages import predict, schema
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal


def words(name: str, out: str) -> list[str]:
    return [name, f"data/tokens/{name}", f"data/{RECIPES[name]['model']['base']}", f"data/models/{name}", out]


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


def test_free_text_has_no_confidence(mill):
    answers = schema.read(mill / "data/answers/t5-full.parquet", schema.ANSWERS)
    assert answers["confidence"].null_count() == answers.height
    assert answers["answer"].to_list() != answers["base_answer"].to_list()
    assert not answers["answer"].str.contains("</s>|<pad>|<extra_id").any()


@pytest.mark.parametrize("name", ["t5-lora", "bert-lora"])
def test_the_seed_decides_the_answers(mill, in_mill, write_settings, name):
    write_settings()
    predict.main(*words(name, "again.parquet"))
    assert Path("again.parquet").read_bytes() == (mill / f"data/answers/{name}.parquet").read_bytes()


def test_another_seed_draws_other_answers(mill, in_mill, write_settings):
    write_settings(seed=5)
    predict.main(*words("t5-full", "other.parquet"))
    told = [schema.read(path, schema.ANSWERS)["answer"].to_list()
            for path in ("other.parquet", mill / "data/answers/t5-full.parquet")]  # fmt: skip
    assert told[0] != told[1]


def test_model_and_base_answer_with_the_same_draws(in_mill, write_settings):
    """What differs between the two answers is then the training alone."""
    write_settings()
    predict.main("t5-full", "data/tokens/t5-full", "data/bases/t5", "data/bases/t5", "out.parquet")
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

    def three(model, tokenizer, prompts, written, limit, settings):
        told = ["ничего.", "", "совсем ничего."] * (len(prompts) // 3)
        told[1::3] = [asked[tuple(prompt)] for prompt in prompts[1::3]]
        return [so_far + tokenizer(text)["input_ids"] for so_far, text in zip(written, told, strict=True)]

    monkeypatch.setattr(predict.choosing, "LIKELY", 0.0)  # a hardly trained model's likelihood says nothing
    monkeypatch.setattr(predict.choosing, "SAID", 1000.0)
    monkeypatch.setattr("stages.models.seq2seq.extend", three)
    predict.main(*words("t5-full", "data/answers/chosen.parquet"))
    given = schema.read("data/answers/chosen.parquet", schema.ANSWERS)["answer"].to_list()
    wanted = [at for at, one in enumerate(rows["keywords"]) if one]
    spelt = [tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) for text in asked.values()]
    assert len(wanted) > 10 and [given[at] for at in wanted] == [spelt[at] for at in wanted]


def test_candidates_of_a_task_without_a_rule_are_refused(in_mill, write_settings):
    wish = {"candidates": 2, "sample": True}
    write_settings(recipes={"bert-full": RECIPES["bert-full"] | {"predict": wish}})
    with pytest.raises(Refusal) as refused:
        predict.main(*words("bert-full", "data/answers/none.parquet"))
    assert refused.value.where == "params.yaml: recipes.bert-full.predict.candidates"
