"""A small mill: 120 sample reviews, two bases of width 32, four recipes. What conftest builds and tests change."""

from pathlib import Path

import polars as pl
import yaml

ROOT = Path(__file__).parents[1]
BASE = {
    "corpus": "places", "vocabulary": 400, "width": 32, "layers": 1, "heads": 4, "epochs": 4, "batch": 16, "lr": 5e-3,
}  # fmt: skip
WRITE = {"task": "review_generation", "rows": {"from": "places", "even": ["test"]}}
LABEL = {"task": "sentiment_label", "rows": {"from": "places"}}
T5 = {"family": "seq2seq", "base": "bases/t5", "prompt_tokens": 64, "target_tokens": 128}
BERT = {"family": "encoder", "base": "bases/bert", "prompt_tokens": 128, "target_tokens": 1}
FULL = {"kind": "full", "epochs": 2, "lr": 3e-3, "batch": 16}
LORA = {"kind": "lora", "epochs": 2, "lr": 1e-2, "batch": 16, "rank": 4, "alpha": 8, "dropout": 0.0}
SAMPLE = {"sample": True, "temperature": 0.7, "top_p": 0.9, "batch": 8}
RECIPES = {
    "t5-full": WRITE | {"model": T5, "method": FULL | {"optimizer": "muon"}, "predict": SAMPLE | {"candidates": 3}},
    "t5-lora": WRITE | {"model": T5, "method": LORA | {"targets": ["v", "q"], "merge": True}, "predict": SAMPLE},
    "bert-full": LABEL | {"model": BERT, "method": FULL, "predict": {"batch": 8}},
    "bert-lora": LABEL | {"model": BERT, "method": LORA | {"targets": ["query", "value"]}, "predict": {"batch": 8}},
}  # fmt: skip


def settings(**sections) -> dict:
    """The project's own settings with everything but the sources made small; `sections` replace others."""
    own = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    symbols = ["rating", "rubrics", "keywords", "|"]
    small = {
        "sources": {"places": own["sources"]["places"]},
        "numerics": {"threads": 1, "matmul": "highest"},
        "tracking": [],
        "bases": {
            "t5": BASE | {"family": "seq2seq", "symbols": symbols},
            "bert": BASE | {"family": "encoder", "symbols": [], "max_tokens": 128},
        },
        "pretrained": {},
        "judges": {"places": {"base": "bases/bert", "rows": 100}},
        "recipes": RECIPES,
        "publish": {},
    }
    return own | small | sections


def enriched() -> pl.DataFrame:
    """Twenty-four sample reviews of each rating: of each, sixteen train, four validate and four test."""
    from stages import keywords, schema, splits
    from stages.sources import sample

    rows = sample.generate("places", 1000, seed=1).filter(pl.col("rating").is_in(["1", "2", "3", "4", "5"]))
    rows = rows.filter(pl.col("text").str.len_chars().is_between(20, 300)).unique(["text"]).unique(["id"])
    rows = splits.pick(rows.with_columns(pl.col("rating").cast(pl.Int8)), 120, even=True, seed=1)
    at = pl.int_range(pl.len()).over("rating")
    split = pl.when(at < 16).then(pl.lit("train")).when(at < 20).then(pl.lit("validation")).otherwise(pl.lit("test"))
    rows = rows.with_columns(split.alias("split"), group=pl.col("id"))  # its own, so that none straddles splits
    asked = [""] * rows.height
    words = keywords.keywords(rows["text"].to_list(), "ru", 3, 0.1, asked, [True] * rows.height)
    return rows.with_columns(keywords=pl.Series(words, dtype=pl.List(pl.String))).select(list(schema.ENRICHED))


def recipe(name: str, **words) -> dict:
    """A recipe with some of its words changed: recipe("t5-full", rows={"where": {"rating": [1]}})."""
    return RECIPES[name] | {word: RECIPES[name].get(word, {}) | more for word, more in words.items()}


def train_words(name: str, base: str, to: str = "") -> list[str]:
    """The words of train's command line; `to` is put behind the outputs' name."""
    out = name + to
    reports = [f"data/reports/{kind}/{out}.json" for kind in ("train", "curves", "seconds")]
    return [name, f"data/tokens/{name}", f"data/{base}", f"data/models/{out}", *reports, f"data/live/{out}"]
