"""A small mill: 120 sample reviews, two bases of width 32, six recipes. What conftest builds and tests change."""

import copy
from pathlib import Path

import polars as pl
import yaml

ROOT = Path(__file__).parents[1]
BASE = {
    "corpus": "places", "vocabulary": 400, "width": 32, "layers": 1, "heads": 4, "epochs": 4, "batch": 16, "lr": 5e-3,
}  # fmt: skip
WRITE = {"task": "review_generation", "rows": {"from": "places", "even": ["test"]}}
LABEL = {"task": "sentiment_label", "rows": {"from": "places"}}
NAME = {"task": "sentiment_text", "rows": {"from": "places"}}
SCORE = {"task": "answer_score", "rows": {"from": "answers", "gate": {"keyword_coverage": 0.0}}}
T5 = {"family": "seq2seq", "base": "bases/t5", "prompt_tokens": 64, "target_tokens": 128}
WORD = {"prompt_tokens": 192, "target_tokens": 12}
BERT = {"family": "encoder", "base": "bases/bert", "prompt_tokens": 128, "target_tokens": 1}
PAIR = BERT | {"head": "number", "pair": True, "truncated_share": 1.0}
FULL = {"kind": "full", "epochs": 2, "lr": 3e-3, "batch": 16}
LORA = {"kind": "lora", "epochs": 2, "lr": 1e-2, "batch": 16, "rank": 4, "alpha": 8, "dropout": 0.0}
SAMPLE = {"sample": True, "temperature": 0.7, "top_p": 0.9, "batch": 8}
RECIPES = {
    "t5-full": WRITE | {"model": T5, "method": FULL | {"optimizer": "muon"}, "predict": SAMPLE | {"candidates": 3}},
    "t5-lora": WRITE | {"model": T5, "method": LORA | {"targets": ["v", "q"], "merge": True}, "predict": SAMPLE},
    "t5-text": NAME | {"model": T5 | WORD, "method": FULL, "predict": {"batch": 8}},
    "bert-full": LABEL | {"model": BERT, "method": FULL, "predict": {"batch": 8}},
    "bert-lora": LABEL | {"model": BERT, "method": LORA | {"targets": ["query", "value"]}, "predict": {"batch": 8}},
    "bert-pair": SCORE | {"model": PAIR, "method": FULL, "predict": {"batch": 8}},
}  # fmt: skip


def settings(**sections) -> dict:
    """The project's own settings with everything but the sources made small; `sections` replace others."""
    own = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    symbols = ["rating", "rubrics", "keywords", "|"]
    small = {
        "sources": {name: own["sources"][name] for name in ("places", "answers")},
        "numerics": {"threads": 1, "matmul": "highest", "dtype": "float32"},
        "tracking": [],
        "bases": {
            "t5": BASE | {"family": "seq2seq", "symbols": symbols},
            "bert": BASE | {"family": "encoder", "symbols": [], "max_tokens": 128},
        },
        "pretrained": {},
        "judges": {name: {"base": "bases/bert", "rows": 100} for name in ("places", "answers")},
        "recipes": copy.deepcopy(RECIPES),
        "publish": {},
        "datasets": {},
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
    rows = rows.with_columns(mark=(pl.col("rating") - 1) / 4)
    asked = [""] * rows.height
    words = keywords.keywords(rows["text"].to_list(), "ru", 3, 0.1, asked, [True] * rows.height)
    return rows.with_columns(keywords=pl.Series(words, dtype=pl.List(pl.String))).select(list(schema.ENRICHED))


def answered() -> pl.DataFrame:
    """120 sample answers: 80 train, 20 validate, 20 test, ten of them to questions that only they answer."""
    from stages import schema, splits
    from stages.sources import sample

    rows = sample.generate("answers", 600, seed=1).filter(pl.col("rating").is_in(["0", "0.25", "0.5", "0.75", "1"]))
    rows = rows.filter(pl.col("text").str.len_chars().is_between(20, 300)).unique(["text"])
    unseen = pl.col("question").is_in(rows.filter(split="train")["question"].unique().implode()).not_()
    trained, other = (splits.pick(rows.filter(part), most, even=False, seed=1) for part, most in
                      ((~unseen, 110), (unseen, 10)))  # fmt: skip
    at = pl.int_range(pl.len())
    split = pl.when(at < 80).then(pl.lit("train")).when(at < 100).then(pl.lit("validation")).otherwise(pl.lit("test"))
    rows = pl.concat([trained.with_columns(split.alias("split")), other.with_columns(split=pl.lit("test"))])
    mark = pl.col("rating").cast(pl.Float64)
    rows = rows.with_columns(mark=mark, rating=(1 + 4 * mark).cast(pl.Int8), group=pl.col("id"), rubrics=pl.lit(""))
    return rows.with_columns(keywords=pl.lit([], dtype=pl.List(pl.String))).select(list(schema.ENRICHED))


def recipe(name: str, **words) -> dict:
    """A recipe with some of its words changed: recipe("t5-full", rows={"where": {"rating": [1]}})."""
    return RECIPES[name] | {word: RECIPES[name].get(word, {}) | more for word, more in words.items()}


def train_words(name: str, base: str, to: str = "") -> list[str]:
    """The words of train's command line; `to` is put behind the outputs' name."""
    out = name + to
    reports = [f"data/reports/{kind}/{out}.json" for kind in ("train", "curves", "seconds")]
    return [name, f"data/tokens/{name}", f"data/{base}", f"data/models/{out}", *reports, f"data/live/{out}"]


def predict_words(name: str, answers: str = "", model: str = "") -> list[str]:
    """The words of predict's command line."""
    out = answers or f"data/answers/{name}.parquet"
    base = f"data/{RECIPES[name]['model']['base']}"
    return [name, f"data/tokens/{name}", base, model or f"data/models/{name}", out, f"data/reports/speed/{name}.json"]


def evaluate_words(name: str, report: str = "", answers: str = "") -> list[str]:
    """The words of evaluate's command line."""
    given = [name, f"data/tokens/{name}", answers or f"data/answers/{name}.parquet"]
    made = [report or f"data/reports/evaluate/{name}.json", f"data/scores/{name}.parquet"]
    source = RECIPES[name]["rows"]["from"]
    judged = [f"data/judges/{source}", f"data/reports/judge/{source}.json"]
    return [*given, *judged, *made, f"data/reports/baselines/{name}.json"]
