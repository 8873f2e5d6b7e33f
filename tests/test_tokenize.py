"""Which rows a recipe gets, and what is made of them."""

import json
import re
from collections import Counter
from pathlib import Path

import datasets
import polars as pl
import pytest
from small_mill import RECIPES, SCORE, recipe

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
        tokenize.main(name, table, f"data/{changed['model']['base']}", "out", "out.json", "docs")
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
    targets = sorted(len(tokenizer(text)["input_ids"]) for split in splits.values() for text in split["target"])
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
        tokenize.main("odd", TABLE, "data/bases/bert", "out", "out.json", "docs")
    assert refusal.value.where == "params.yaml: recipes.odd.model.family"
    assert not Path("out").exists()


@pytest.mark.parametrize("split", schema.SPLITS)
def test_a_split_without_rows_is_refused(run, in_mill, split):
    rows = schema.read(TABLE, schema.ENRICHED).filter(pl.col("split") != split)
    schema.write("some.parquet", rows, schema.ENRICHED)
    told = refused(run, "t5-full", table="some.parquet")
    assert (told.expected, told.where) == (f"rows to {split} on", "params.yaml: recipes.t5-full.rows")


@pytest.mark.parametrize(("field", "limit"), [("prompt", 5), ("target", 12)])
def test_too_many_rows_cut_are_refused_with_the_address(run, field, limit):
    told = refused(run, "t5-full", model={f"{field}_tokens": limit})
    assert told.where == "params.yaml: recipes.t5-full.model.truncated_share; docs/index.html"
    line = f"truncated.{field}: observed 1 of rows cut at {limit} tokens (recipes.t5-full.model.{field}_tokens)"
    assert told.found == f"1 failed\n      - {line}, bound -∞ to 0.05; recipes.t5-full.model.truncated_share"
    p95 = int(re.search(rf"raise recipes.t5-full.model.{field}_tokens \(95% have at most (\d+) tokens\)", told.do)[1])
    assert p95 > limit
    run("t5-full", model={f"{field}_tokens": p95, "truncated_share": 0.051})  # what it says to do, does


def test_a_share_of_cut_rows_that_the_settings_allow_is_counted(run):
    splits, report = run("t5-full", model={"target_tokens": 12, "truncated_share": 1.0})
    assert report["truncated"] == {"prompt": pytest.approx(4 / 120, abs=1e-6), "target": 1.0}
    assert {len(ids) for ids in splits["train"]["labels"]} == {12}
    assert {ids[-1] for ids in splits["train"]["labels"]} == {1}
    assert report["target_tokens"]["median"] > 12, "lengths are those before the cut"


# --- the suite over a recipe's rows ----------------------------------------------------------------------------------


def verdicts(report: dict) -> dict[str, dict]:
    return {one["name"]: one for one in report["validation"]["expectations"]}


def test_a_recipes_rows_pass_a_suite_in_its_own_tokens(run):
    _, report = run("t5-full")
    found = verdicts(report)
    assert report["validation"]["passed"] and report["validation"]["warnings"] == []
    assert found.keys() == {
        "unique_id", "group_leakage", "rating_imbalance", "keyword_coverage", "truncated.prompt", "truncated.target",
        "chars.median", "prompt_tokens.median", "target_tokens.median",
    }  # fmt: skip
    assert found["rating_imbalance"]["observed"] == 1.0
    assert found["prompt_tokens.median"]["observed"] == pytest.approx(report["prompt_tokens"]["median"], abs=1)
    assert Path("docs/index.html").is_file()


def test_an_encoder_is_asked_for_no_target_tokens(run):
    assert not {name for name in verdicts(run("bert-full")[1]) if "target" in name}


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ({"rating_imbalance": 1.5}, "rating_imbalance: observed 4 training rows of the commonest rating to one of the "
         "rarest, bound -∞ to 1.5; recipes.t5-full.rows.gate.rating_imbalance"),
        ({"chars": {"p95": {"high": 40}}}, "chars.p95: observed "),
        ({"target_tokens": {"max": {"high": 5}}}, "target_tokens.max: observed "),
    ],
)  # fmt: skip
def test_a_broken_bound_refuses_with_name_value_bound_and_address(run, gate, line):
    rows = schema.read(TABLE, schema.ENRICHED)
    rare = rows.filter(
        (pl.col("rating") > 1) | (pl.col("split") != "train") | (pl.int_range(pl.len()).over("rating", "split") < 4)
    )
    schema.write("some.parquet", rare, schema.ENRICHED)
    told = refused(run, "t5-full", table="some.parquet", rows={"gate": gate}, model={"truncated_share": 1.0})
    assert f"- {line}" in told.found and told.found.startswith("1 failed")
    (setting,) = gate
    assert f"recipes.t5-full.rows.gate.{setting}" in told.where
    name = line.partition(":")[0]
    report = run(
        "t5-full", table="some.parquet", rows={"gate": gate | {"warning": [name]}}, model={"truncated_share": 1.0}
    )[1]
    assert report["validation"]["warnings"] == [name] and report["validation"]["passed"]


def test_leakage_and_lost_keywords_and_repeated_ids_are_refused(run):
    rows = schema.read(TABLE, schema.ENRICHED).with_columns(
        id=pl.lit("same"), group=pl.lit("one"), keywords=pl.lit([], dtype=pl.List(pl.String))
    )
    schema.write("some.parquet", rows, schema.ENRICHED)
    told = refused(run, "t5-full", table="some.parquet").found
    for line in ("unique_id: observed 120 rows", "group_leakage: observed 120 rows", "keyword_coverage: observed 0 of"):
        assert f"- {line}" in told


def test_a_warning_that_names_nothing_is_refused(run):
    told = refused(run, "t5-full", rows={"gate": {"warning": ["truncated.promt"]}})
    assert (told.found, told.where) == ("truncated.promt", "params.yaml: recipes.t5-full.rows.gate.warning")


# --- balance ---------------------------------------------------------------------------------------------------------


def test_a_remedy_balances_the_training_rows_alone_and_the_report_shows_both(run):
    rows = schema.read(TABLE, schema.ENRICHED)
    fewer = rows.filter((pl.col("rating") > 1) | (pl.int_range(pl.len()).over("rating", "split") < 4))
    schema.write("some.parquet", fewer, schema.ENRICHED)
    before = {"1": 4, "2": 16, "3": 16, "4": 16, "5": 16}
    asked = {"balance": {"kind": "temperature", "tau": 0.0}, "limit": {"train": 60}}
    cut = {"truncated_share": 1.0}
    splits, report = run("t5-full", table="some.parquet", rows=asked, model=cut)
    assert report["ratings"] == {"before": before, "after": dict.fromkeys("12345", 12)}
    assert report["rows"] == {"train": 60, "validation": 20, "test": 20}
    assert Counter(Counter(row["id"] for row in splits["train"] if row["rating"] == 1).values()) == {3: 4}
    assert set(splits["train"]["id"]) <= set(fewer["id"]), "a repeated row keeps its id"
    assert verdicts(report)["rating_imbalance"]["observed"] == 1.0 and verdicts(report)["unique_id"]["observed"] == 0.0
    _, plain = run("t5-full", table="some.parquet", model=cut)
    assert plain["ratings"] == {"before": before, "after": before}
    _, capped = run("t5-full", table="some.parquet", rows={"balance": {"kind": "cap", "most": 6}}, model=cut)
    assert capped["ratings"]["after"] == {"1": 4, "2": 6, "3": 6, "4": 6, "5": 6}


def test_two_ways_to_draw_training_rows_are_one_too_many(run):
    with pytest.raises(Refusal, match="keep one of them"):
        run("t5-full", rows={"balance": {"kind": "cap", "most": 6}, "even": ["train"]})


def test_a_prompt_longer_than_an_encoder_has_positions_is_refused(run):
    told = refused(run, "bert-full", model={"prompt_tokens": 129})
    assert (told.where, told.found) == ("params.yaml: recipes.bert-full.model.prompt_tokens", "129")


# --- fields, a number, a pair ----------------------------------------------------------------------------------------

ANSWERS = "data/enriched/answers.parquet"


def test_a_pair_is_two_segments_of_fields_and_a_number_is_the_mark(run, mill):
    splits, report = run("bert-pair", table=ANSWERS, model={"prompt_tokens": 120})
    tokenizer, row = tokenizers.load(mill / "data/bases/bert"), splits["test"][0]
    assert (
        row["labels"] == row["mark"] == float(row["target"]) and splits["train"].features["labels"].dtype == "float64"
    )
    assert row["prompt"] == f"question {row['question']} | guide {row['guide']} | answer {row['text']}"
    assert all(row["input_ids"].count(tokenizer.sep_token_id) == 2 for row in splits["train"])
    plain, _ = run("bert-pair", table=ANSWERS, model={"pair": False, "head": "labels"})
    assert plain["test"][0]["labels"] == ["0", "0.25", "0.5", "0.75", "1"].index(row["target"])
    assert plain["test"][0]["input_ids"].count(tokenizer.sep_token_id) == 1
    assert report["truncated_fields"].keys() == {"question", "guide", "answer"}


def test_fields_are_cut_in_their_order_and_counted(run):
    _, whole = run("bert-pair", table=ANSWERS, model={"prompt_tokens": 128})
    splits, cut = run("bert-pair", table=ANSWERS, model={"prompt_tokens": 60})
    assert whole["prompt_tokens"] == cut["prompt_tokens"], "lengths are those before the cut"
    assert cut["truncated_fields"]["answer"] >= whole["truncated_fields"]["answer"]
    assert cut["truncated_fields"]["guide"] > 0.9 and cut["truncated"]["prompt"] > 0.9
    assert max(len(ids) for split in splits.values() for ids in split["input_ids"]) <= 60
    assert "truncated_fields" not in run("bert-full")[1]


def test_a_prompt_may_be_cut_in_its_middle(run, mill):
    splits, _ = run("bert-full", model={"prompt_tokens": 12, "truncated_share": 1.0, "cut": "middle"})
    tokenizer = tokenizers.load(mill / "data/bases/bert")
    row = max(splits["train"], key=lambda one: len(one["prompt"]))
    whole = tokenizer(row["prompt"])["input_ids"]
    assert row["input_ids"] == [*whole[:3], *whole[-9:]] and len(whole) > 12


def test_a_prompt_that_is_cut_by_field_has_no_other_cut(run):
    told = refused(run, "bert-pair", table=ANSWERS, model={"cut": "middle"})
    assert (told.where, told.found) == ("params.yaml: recipes.bert-pair.model.cut", "middle")


def test_a_head_or_a_pair_that_the_task_has_nothing_for_is_refused(run):
    for setting, found in (({"head": "number"}, "head"), ({"pair": True}, "pair")):
        told = refused(run, "bert-full", model=setting)
        assert (told.where, told.found) == (f"params.yaml: recipes.bert-full.model.{found}", "sentiment_label")


def test_a_seq2seq_writes_the_mark_and_its_length_is_the_targets(in_mill, write_settings, mill):
    model = RECIPES["t5-full"]["model"] | {"prompt_tokens": 100, "truncated_share": 1.0}
    write_settings(recipes={"t5-score": SCORE | {key: RECIPES["t5-full"][key] for key in ("method", "predict")}
                            | {"model": model}})  # fmt: skip
    tokenize.main("t5-score", ANSWERS, "data/bases/t5", "out", "out.json", "docs")
    rows, report = datasets.load_from_disk("out/test"), json.loads(Path("out.json").read_text())
    tokenizer = tokenizers.load(mill / "data/bases/t5")
    assert [tokenizer.decode(ids, skip_special_tokens=True) for ids in rows["labels"]] == rows["target"]
    assert (
        report["target_tokens"]["max"] <= 6 < report["prompt_tokens"]["median"] and report["truncated"]["target"] == 0
    )
