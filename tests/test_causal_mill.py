"""The causal family and summaries by category through the real stages, from a base to a report, on a small mill."""

import json
from pathlib import Path

import datasets
import polars as pl
import pytest
import yaml
from small_mill import BASE, FULL, LORA, SAMPLE, WRITE, settings, train_words

from stages import evaluate, predict, pretrain, schema, summaries, tokenize, train
from stages.refusal import Refusal

TABLE = "data/enriched/places.parquet"
JUDGED = ("data/judges/places", "data/reports/judge/places.json")
CATEGORIES = {"еда": ["плов", "кофе", "пицца", "блюдо"], "люди": ["персонал", "официант", "администратор", "мастер"]}
LLAMA = {"family": "causal", "base": "bases/llama", "prompt_tokens": 64, "target_tokens": 96, "truncated_share": 1.0}
SUMMARY = {
    "task": "review_summary",
    "rows": {
        "from": "places",
        "gate": {"rating_imbalance": 1000, "keyword_coverage": 0.0},
        "gather": {"categories": CATEGORIES, "silent": "не пишут", "reviews": 6, "least": 3, "draws": 2, "learn": 4},
    },
}
ADAPTER = LORA | {"targets": ["q_proj", "v_proj"], "merge": True}
LONG = {"prompt_tokens": 400, "target_tokens": 64, "truncated_share": 1.0}
RECIPES = {
    "llama-full": WRITE | {"model": LLAMA, "method": FULL, "predict": SAMPLE},
    "llama-lora": WRITE | {"model": LLAMA, "method": ADAPTER, "predict": SAMPLE},
    "sum-t5": SUMMARY
    | {
        "model": LONG | {"family": "seq2seq", "base": "bases/t5"},
        "method": LORA | {"targets": ["q", "v"]},
        "predict": {"chunk": 80, "constrain": "free"},
    },
    "sum-llama": SUMMARY
    | {"model": LLAMA | LONG, "method": FULL, "predict": {"chunk": 80, "constrain": "quoted", "batch": 3}},
}


def small() -> dict:
    symbols = ["rating", "rubrics", "keywords", "|"]
    bases = settings()["bases"] | {"llama": BASE | {"family": "causal", "symbols": symbols}}
    return settings(bases=bases, recipes=RECIPES)


@pytest.fixture(scope="module")
def made(mill, tmp_path_factory) -> Path:
    """A folder in which a causal base was built and every recipe here was run to its report."""
    folder = tmp_path_factory.mktemp("causal")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("params.yaml").write_text(yaml.safe_dump(small(), allow_unicode=True), "utf-8")
        for part in ("bases", "judges", "reports/judge"):
            (folder / "data" / part).mkdir(parents=True)
            for one in (mill / "data" / part).iterdir():
                (folder / "data" / part / one.name).symlink_to(one)
        rows = schema.read(mill / TABLE, schema.ENRICHED)
        rows = rows.with_columns(group=pl.format("{} {}", "split", pl.int_range(pl.len()).over("split") // 5))
        schema.write(TABLE, rows, schema.ENRICHED)
        pretrain.main("llama", TABLE, "data/bases/llama", "data/reports/pretrain/llama.json")
        for name, recipe in RECIPES.items():
            base, tokens, answers = recipe["model"]["base"], f"data/tokens/{name}", f"data/answers/{name}.parquet"
            tokenize.main(name, TABLE, f"data/{base}", tokens, f"data/reports/tokenize/{name}.json", f"docs/{name}")
            train.main(*train_words(name, base))
            speed, report = (f"data/reports/{kind}/{name}.json" for kind in ("speed", "evaluate"))
            predict.main(name, tokens, f"data/{base}", f"data/models/{name}", answers, speed)
            rest = (report, f"data/scores/{name}.parquet", f"data/reports/baselines/{name}.json")
            evaluate.main(name, tokens, answers, *JUDGED, *rest)
    return folder


def report(made: Path, stage: str, name: str) -> dict:
    return json.loads((made / f"data/reports/{stage}/{name}.json").read_text("utf-8"))


def test_a_causal_base_learns_from_plain_text(made):
    told = report(made, "pretrain", "llama")
    losses = [point["validation_loss"] for point in told["curve"]]
    assert min(losses) < losses[0] and told["rows"] == 80
    config = json.loads((made / "data/bases/llama/config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"] and config["use_cache"] is True


@pytest.mark.parametrize("name", ["llama-full", "llama-lora"])
def test_a_causal_recipe_runs_to_its_report(made, name):
    told = report(made, "evaluate", name)
    assert told["metrics"].keys() == told["base"]["metrics"].keys() and told["metrics"]["chrf"]["n"] == 20
    answers = schema.read(made / f"data/answers/{name}.parquet", schema.ANSWERS)
    assert answers["answer"].to_list() != answers["base_answer"].to_list(), "what was learnt shows"
    assert not answers["answer"].str.contains("</s>|<pad>").any() and answers["others"].null_count() == 20
    losses = report(made, "train", name)["validation_loss"]
    assert losses["best"] < losses["first"] or report(made, "train", name)["best_step"] > 0
    weights = "model.safetensors" if name == "llama-full" else "adapter_model.safetensors"
    assert (made / f"data/models/{name}/{weights}").is_file()


def test_an_adapter_of_a_causal_model_is_small(made):
    full, lora = (report(made, "train", f"llama-{kind}")["trainable_parameters"] for kind in ("full", "lora"))
    assert lora == 2 * 4 * (32 + 32) and lora < full / 20
    assert (made / "data/models/llama-lora/merged/model.safetensors").is_file()


@pytest.mark.parametrize("name", ["sum-t5", "sum-llama"])
def test_every_summary_is_in_form(made, name):
    """The model has learnt next to nothing; the form holds all the same, and its lack does not."""
    answers = schema.read(made / f"data/answers/{name}.parquet", schema.ANSWERS)
    assert answers.height == 4
    loose, joined = ([one[at]["answer"] for one in answers["others"].to_list()] for at in (0, 1))
    for text in [*answers["answer"], *answers["base_answer"], *joined]:
        read = summaries.read(text, tuple(CATEGORIES))
        assert (read.malformed, read.repeated, list(read.parts)) == (False, 0, list(CATEGORIES)), text
    told = report(made, "evaluate", name)
    for part in (told["metrics"], told["base"]["metrics"], told["variants"]["map_reduce"], *told["baselines"].values()):
        assert part["malformed"]["value"] == part["repeated"]["value"] == 0
    bad = sum(summaries.read(text, tuple(CATEGORIES)).malformed for text in loose)
    assert told["variants"]["unconstrained"]["malformed"]["value"] == bad / 4 > 0


def test_quoted_texts_stand_in_the_reviews(made):
    answers = schema.read(made / "data/answers/sum-llama.parquet", schema.ANSWERS)["answer"].to_list()
    rows = datasets.load_from_disk(str(made / "data/tokens/sum-llama/test")).to_list()
    for text, row in zip(answers, rows, strict=True):
        for name, (_, said) in summaries.read(text, tuple(CATEGORIES)).parts.items():
            own = [one["text"] for one in row["sentences"] if one["category"] == name] or ["не пишут"]
            assert any(" ".join(one.split()).startswith(said.rstrip("…")) for one in own), (said, own)


def test_the_report_sets_summaries_against_extracts(made):
    told = report(made, "evaluate", "sum-t5")
    assert set(told["baselines"]) == {"lead", "random", "lexrank"}
    assert told["headline"] == "rouge_l" and told["reference"]["rouge_l"]["value"] == 1.0
    assert set(told["borne_out"]) == {"value", "accepted", "mistaken", "n"}
    assert told["baselines"]["lead"]["score_error"]["value"] == 0.0, "extracts take the rule's score"


def test_gathered_rows_keep_groups_whole_and_draw_training_twice(made):
    told = report(made, "tokenize", "sum-t5")
    assert told["rows"] == {"train": 32, "validation": 4, "test": 4}
    splits = {split: datasets.load_from_disk(str(made / f"data/tokens/sum-t5/{split}")) for split in schema.SPLITS}
    groups = {split: set(rows["id"]) for split, rows in splits.items()}
    assert not groups["train"] & groups["test"] and len(groups["train"]) == 16
    assert {len(one) for one in splits["train"]["reviews"]} == {4} and {len(o) for o in splits["test"]["reviews"]} == {
        5
    }


@pytest.mark.parametrize(("name", "task"), [("sum-t5", "review_generation"), ("llama-full", "review_summary")])
def test_gather_belongs_to_tasks_of_groups_alone(made, monkeypatch, tmp_path, name, task):
    monkeypatch.chdir(tmp_path)
    wrong = small()
    wrong["recipes"] = {name: wrong["recipes"][name] | {"task": task}}
    Path("params.yaml").write_text(yaml.safe_dump(wrong, allow_unicode=True), "utf-8")
    with pytest.raises(Refusal) as refused:
        tokenize.main(name, str(made / TABLE), str(made / "data/bases/t5"), "out", "out.json", "docs")
    assert refused.value.where == f"params.yaml: recipes.{name}.rows.gather" and not Path("out").exists()
