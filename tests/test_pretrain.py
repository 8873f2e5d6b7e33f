"""A base is built from training rows alone, and another build is the same bytes."""

import json
from pathlib import Path

import polars as pl
import pytest
from small_mill import BASE

from stages import pretrain, schema
from stages.models import encoder, seq2seq
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal

TABLE = "data/enriched/places.parquet"


@pytest.mark.parametrize(("name", "kind"), [("t5", "T5ForConditionalGeneration"), ("bert", "BertForMaskedLM")])
def test_a_base_is_a_model_its_tokenizer_and_a_report(mill, name, kind):
    folder = mill / "data/bases" / name
    report = json.loads((mill / f"data/reports/pretrain/{name}.json").read_text())
    assert json.loads((folder / "config.json").read_text())["architectures"] == [kind]
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    assert not list(folder.parent.glob(".*"))  # no checkpoints, nothing half made
    assert (report["rows"], report["truncated"]) == (80, pytest.approx(0, abs=8))
    assert report["vocabulary"] == len(tokenizers.load(folder))
    opened = seq2seq.load(folder) if name == "t5" else encoder.load(folder, ("a", "b"))
    assert report["parameters"] > 32 * report["vocabulary"]
    assert opened.config.use_cache is True
    losses = [point["validation_loss"] for point in report["curve"]]
    assert min(losses) < losses[0] and report["best_step"] <= report["steps"] == 20
    assert str(mill) not in "".join(path.read_text("utf-8") for path in folder.glob("*.json"))


def test_two_builds_are_the_same_bytes_and_test_rows_have_no_say(mill, in_mill, write_settings):
    bases = {"t5": BASE | {"family": "seq2seq", "epochs": 1, "rows": 60}}
    write_settings(bases=bases | {"bert": BASE | {"family": "encoder"}})
    rows = schema.read(TABLE, schema.ENRICHED)
    foreign = pl.when(pl.col("split") == "train").then(pl.col("text")).otherwise(pl.lit("Ничего подобного тут нет."))
    schema.write("other.parquet", rows.with_columns(foreign.alias("text")), schema.ENRICHED)
    pretrain.main("t5", TABLE, "a/t5", "a.json")
    pretrain.main("t5", "other.parquet", "b/t5", "b.json")
    assert json.loads(Path("a.json").read_text())["rows"] == 60
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    for one in Path("a/t5").iterdir():
        assert one.read_bytes() == (Path("b/t5") / one.name).read_bytes()


def test_too_few_rows_are_refused(in_mill, write_settings):
    write_settings()
    schema.write("few.parquet", schema.read(TABLE, schema.ENRICHED).head(30), schema.ENRICHED)
    with pytest.raises(Refusal) as refused:
        pretrain.main("t5", "few.parquet", "a/t5", "a.json")
    assert refused.value.where == "few.parquet" and refused.value.expected.startswith("at least 40")
    assert not Path("a").exists() and not Path("a.json").exists()


def test_a_base_may_learn_to_write_from_keywords(in_mill, write_settings):
    wish = {"family": "seq2seq", "objective": "keywords", "symbols": ["rating", "rubrics", "keywords", "|"]}
    write_settings(bases={"t5": BASE | wish | {"epochs": 3, "optimizer": "muon"}, "bert": BASE | {"family": "encoder"}})
    pretrain.main("t5", TABLE, "a/t5", "a.json")
    report = json.loads(Path("a.json").read_text())
    assert report["steps"] == -(-76 * 3 // 16)  # four of eighty rows are held out
    losses = [point["validation_loss"] for point in report["curve"]]
    assert losses[-1] < losses[0] and report["truncated"] == 0


def test_an_encoder_cannot_learn_to_write(in_mill, write_settings):
    write_settings(
        bases={"t5": BASE | {"family": "encoder", "objective": "keywords"}, "bert": BASE | {"family": "encoder"}}
    )
    with pytest.raises(Refusal, match="use denoising"):
        pretrain.main("t5", TABLE, "a/t5", "a.json")
