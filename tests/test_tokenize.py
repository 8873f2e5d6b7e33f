"""Which rows a recipe gets, and what is made of them."""

import json
import re
from collections import Counter
from pathlib import Path

import datasets
import polars as pl
import pytest
from small_mill import recipe

from stages import schema, tokenize
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal

TABLE = "data/enriched/places.parquet"


@pytest.fixture
def run(in_mill, write_settings):
    """Tokenize a recipe whose words were changed; returns its splits and its report."""

    def call(name: str, table: str = TABLE, **words):
        changed = recipe(name, **words)
        write_settings(recipes={name: changed})
        tokenize.main(name, table, f"data/{changed['model']['base']}", "out", "out.json")
        report = json.loads(Path("out.json").read_text())
        return {split: datasets.load_from_disk(f"out/{split}") for split in schema.SPLITS}, report

    return call


def test_a_row_becomes_prompt_target_and_ids(run, mill):
    splits, report = run("t5-full")
    row = splits["train"][0]
    tokenizer = tokenizers.load(mill / "data/bases/t5")
    assert row["prompt"].startswith(f"rating {row['rating']} | rubrics ")
    assert row["input_ids"] == tokenizer(row["prompt"])["input_ids"]
    assert row["labels"] == tokenizer(row["target"])["input_ids"]
    assert row["length"] == len(row["input_ids"]) + len(row["labels"])
    assert report["rows"] == {"train": 80, "validation": 20, "test": 20}
    prompts = [len(tokenizer(text)["input_ids"]) for split in splits.values() for text in split["prompt"]]
    assert report["truncated"]["prompt"] == pytest.approx(sum(n > 64 for n in prompts) / 120, abs=1e-6)
    assert report["task_version"] == 1
    targets = sorted(len(ids) for split in splits.values() for ids in split["labels"])
    assert report["target_tokens"] == {"median": targets[60], "p95": targets[114], "max": targets[-1]}


def test_each_row_keeps_its_split(run):
    splits, _ = run("t5-full")
    table = schema.read(TABLE, schema.ENRICHED)
    for split in schema.SPLITS:
        assert set(splits[split]["id"]) == set(table.filter(split=split)["id"])


def test_an_encoder_gets_the_number_of_the_label(run):
    splits, report = run("bert-full")
    number = {"negative": 0, "neutral": 1, "positive": 2}
    assert [number[target] for target in splits["test"]["target"]] == list(splits["test"]["labels"])
    assert report["target_tokens"]["max"] == 0


def test_where_limit_and_even_are_held(run):
    wanted = {"where": {"rating": [1, 2, 5]}, "limit": {"train": 10, "test": 7}, "even": ["test"]}
    splits, report = run("t5-full", rows=wanted, model={"truncated_share": 1.0})
    assert report["rows"] == {"train": 10, "validation": 12, "test": 6}
    assert Counter(splits["test"]["rating"]) == {1: 2, 2: 2, 5: 2}
    assert set(splits["train"]["rating"]) <= {1, 2, 5}


def test_the_same_rows_give_the_same_bytes(run):
    run("t5-full")
    first = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    run("t5-full")
    assert len(first) == 9 and all(path.read_bytes() == was for path, was in first.items())


def refused(run, name: str, **words) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        run(name, **words)
    assert not Path("out").exists() and not Path("out.json").exists() and not list(Path().glob(".out*"))
    return refusal.value


def test_an_encoder_cannot_write_free_text(in_mill, write_settings):
    write_settings(recipes={"odd": recipe("bert-full") | {"task": "review_generation"}})
    with pytest.raises(Refusal) as refusal:
        tokenize.main("odd", TABLE, "data/bases/bert", "out", "out.json")
    assert refusal.value.where == "params.yaml: recipes.odd.model.family"
    assert not Path("out").exists()


@pytest.mark.parametrize("split", schema.SPLITS)
def test_a_split_without_rows_is_refused(run, in_mill, split):
    rows = schema.read(TABLE, schema.ENRICHED).filter(pl.col("split") != split)
    schema.write("some.parquet", rows, schema.ENRICHED)
    told = refused(run, "t5-full", table="some.parquet")
    assert (told.expected, told.where) == (f"rows to {split} on", "params.yaml: recipes.t5-full.rows")


@pytest.mark.parametrize(("field", "limit"), [("prompt_tokens", 5), ("target_tokens", 12)])
def test_too_many_rows_cut_are_refused_with_the_address(run, field, limit):
    told = refused(run, "t5-full", model={field: limit})
    assert told.where == f"params.yaml: recipes.t5-full.model.{field}"
    assert (told.expected, told.found) == (f"at most 5.0% of rows cut at {field}", "100.0%")
    p95 = int(re.search(r"95% have at most (\d+) tokens", told.do)[1])
    assert p95 > limit
    run("t5-full", model={field: p95, "truncated_share": 0.051})  # what it says to do, does


def test_a_share_of_cut_rows_that_the_settings_allow_is_counted(run):
    splits, report = run("t5-full", model={"target_tokens": 12, "truncated_share": 1.0})
    assert report["truncated"]["target"] == 1.0
    assert {len(ids) for ids in splits["train"]["labels"]} == {12}
    assert {ids[-1] for ids in splits["train"]["labels"]} == {1}


def test_a_prompt_longer_than_an_encoder_has_positions_is_refused(run):
    told = refused(run, "bert-full", model={"prompt_tokens": 129})
    assert (told.where, told.found) == ("params.yaml: recipes.bert-full.model.prompt_tokens", "129")
