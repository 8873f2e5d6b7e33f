"""Small stages with the files of the real ones, for the flow that retrains: a model that counts words.

Run as the real ones are, `python -m tone_stages VERB …`; the outside world is the file that the environment variable
WORLD names, BREAK names a verb that fails after half its work, and HOLD one that waits for a file `go` beside the
world's. A base numbers the words that it has seen, so ids mean nothing to a model of another base.
"""

import math
import os
import sys
import time
from collections import Counter
from pathlib import Path

import polars as pl

from stages import schema
from stages.files import read_json, replacing_folder, write_json

SPLITS = ("train", "validation", "test")


def collect(raw: str, report: str) -> None:
    """Append the rows of the world that the former snapshot lacks, as a source with a watermark does."""
    world = pl.read_csv(os.environ["WORLD"], schema=schema.RAW)
    former = schema.read(raw, schema.RAW) if Path(raw).is_file() else world.clear()
    schema.write(raw, pl.concat([former, world.join(former, on="id", how="anti")]), schema.RAW)
    write_json(report, {"rows_out": world.height, "kept": former.height})


def enrich(raw: str, table: str) -> None:
    rows = schema.read(raw, schema.RAW).with_columns(pl.col("rating").cast(pl.Int8), mark=pl.lit(0.5))
    schema.write(table, rows.with_columns(keywords=pl.lit([], dtype=pl.List(pl.String))), schema.ENRICHED)


def pretrain(table: str, base: str) -> None:
    """The number of each word: by its share, so that other rows give other numbers."""
    words = Counter(word for text in schema.read(table, schema.ENRICHED)["text"] for word in text.split())
    with replacing_folder(base) as beside:
        order = sorted(words, key=lambda word: (words[word], word))
        write_json(beside / "words.json", {word: at for at, word in enumerate(order)})


def tokenize(table: str, base: str, tokens: str) -> None:
    words = read_json(Path(base) / "words.json")
    with replacing_folder(tokens) as beside:
        for (split,), rows in schema.read(table, schema.ENRICHED).group_by("split", maintain_order=True):
            told = [
                {"id": row["id"], "rating": row["rating"], "ids": [words.get(one, -1) for one in row["text"].split()]}
                for row in rows.iter_rows(named=True)
            ]
            write_json(beside / f"{split}.json", {"rows": told})


def tone(rating: int) -> str:
    return "good" if rating > 3 else "bad"


def train(tokens: str, base: str, model: str, report: str) -> None:
    """How much oftener each word stands in good than in bad reviews, as a logarithm."""
    rows = read_json(Path(tokens) / "train.json")["rows"]
    said = {"good": Counter(), "bad": Counter()}
    for row in rows:
        said[tone(row["rating"])].update(row["ids"])
    weights = {one: round(math.log((said["good"][one] + 1) / (said["bad"][one] + 1)), 6) for one in
               sorted({*said["good"], *said["bad"]})}  # fmt: skip
    write_json(report, {"rows": len(rows)})
    with replacing_folder(model) as beside:
        write_json(beside / "weights.json", weights)


def predict(tokens: str, base: str, model: str, answers: str) -> None:
    weights = read_json(Path(model) / "weights.json")
    rows = read_json(Path(tokens) / "test.json")["rows"]
    said = ["good" if sum(weights.get(str(one), 0) for one in row["ids"]) > 0 else "bad" for row in rows]
    table = pl.DataFrame({"id": [row["id"] for row in rows], "rating": [row["rating"] for row in rows]}).with_columns(
        pl.Series("answer", said), target=pl.Series([tone(row["rating"]) for row in rows])
    )
    absent = [name for name in schema.ANSWERS if name not in table.columns]
    schema.write(answers, table.with_columns(pl.lit(None).alias(one) for one in absent), schema.ANSWERS)


def evaluate(tokens: str, answers: str, scores: str, report: str) -> None:
    given = schema.read(answers, schema.ANSWERS)
    right = given.select("id", contestant=pl.lit("answer"), metric=pl.lit("accuracy"),
                         value=(pl.col("answer") == pl.col("target")).cast(pl.Float64))  # fmt: skip
    schema.write(scores, right, schema.SCORES)
    write_json(report, {"headline": "accuracy", "accuracy": right["value"].mean(), "rows": right.height})


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if os.environ.get("BREAK") == verb:
        for path in words[-2:]:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            if not Path(path).is_dir():
                Path(path).write_text("half")
        sys.exit(
            f"refused by {verb}\nexpected a whole night\n   found a power cut\n   where here\n      do run it again"
        )
    if os.environ.get("HOLD") == verb:
        print(f"{verb}: at work", flush=True)
        while not Path(os.environ["WORLD"]).with_name("go").exists():
            time.sleep(0.1)
    globals()[verb](*words)
    print(f"{verb}: done")
