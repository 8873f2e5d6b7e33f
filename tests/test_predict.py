"""Both answers to each test row, in its order, the same each time."""

from pathlib import Path

import datasets
import polars as pl
import pytest
from small_mill import RECIPES

from stages import predict, schema


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
