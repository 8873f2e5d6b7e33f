"""The tables that stages hand to one another: their columns, and reading and writing them.

raw       id, group, rubrics, rating, text, split, question, guide   all text, exactly as the source had them; null
          where it had none. An answer to a question is a text like any other; its marking guide says what earns marks
clean     raw + mark   rating Int8 1–5 stars, mark Float64 0–1 (the same rating, not rounded), split one of SPLITS
valid     the clean table, passed by its gate
enriched  valid + keywords (list of text)
rejected  the raw columns + reason + row (Int64, the row's position in the raw table, from 0)
answers   id, rating, prompt, target, answer, base_answer, confidence, base_confidence; where a task has labels also
          likeliest, base_likeliest (text) and probabilities, base_probabilities (one for each label, in their order);
          others (the same model's answers got in another way: a list of {name, answer}, null where there are none)
scores    id, contestant, metric, value: what each answer of each contestant is worth by itself; null where a metric
          asks nothing of a row
"""

import io
from pathlib import Path

import polars as pl

from stages.files import replacing
from stages.refusal import Refusal

GROUP = 122_880  # rows of a row group: Polars' own number, which it keeps to only when told, whatever the blocks
SPLITS = ("train", "validation", "test")
RAW = dict.fromkeys(("id", "group", "rubrics", "rating", "text", "split", "question", "guide"), pl.String)
CLEAN = RAW | {"rating": pl.Int8, "mark": pl.Float64}
ENRICHED = CLEAN | {"keywords": pl.List(pl.String)}
REJECTED = RAW | {"row": pl.Int64, "reason": pl.String}
ANSWERS = {
    "id": pl.String,
    "rating": pl.Int8,
    "prompt": pl.String,
    "target": pl.String,
    "answer": pl.String,
    "base_answer": pl.String,
    "confidence": pl.Float64,
    "base_confidence": pl.Float64,
    "likeliest": pl.String,
    "base_likeliest": pl.String,
    "probabilities": pl.List(pl.Float64),
    "base_probabilities": pl.List(pl.Float64),
    "others": pl.List(pl.Struct({"name": pl.String, "answer": pl.String})),
}
SCORES = {"id": pl.String, "contestant": pl.String, "metric": pl.String, "value": pl.Float64}


def read(path: str | Path, schema: dict) -> pl.DataFrame:
    """Read a parquet table and hold it to `schema`.

    Refuses a missing or unreadable file, a missing column (naming the columns found) and a column of another type.
    """
    if not Path(path).is_file():
        raise Refusal("a parquet table", "no such file", str(path), "run `dvc repro`, which makes it from its source")
    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        found = str(error).splitlines()[0]
        raise Refusal("a readable parquet table", found, str(path), "delete the file and run `dvc repro`") from error
    missing = [name for name in schema if name not in table.columns]
    if missing:
        raise Refusal(
            f"the columns {', '.join(schema)}", f"{', '.join(table.columns) or 'none'}", str(path),
            f"the table lacks {', '.join(missing)}: run the stage that makes it again",
        )  # fmt: skip
    wrong = [f"{name} is {table.schema[name]}" for name, kind in schema.items() if table.schema[name] != kind]
    if wrong:
        raise Refusal(
            ", ".join(f"{name}: {kind}" for name, kind in schema.items()), "; ".join(wrong), str(path),
            "run the stage that makes it again",
        )  # fmt: skip
    return table.select(list(schema))


def write(path: str | Path, table: pl.DataFrame, schema: dict) -> None:
    """Write `table` as parquet, its columns cast to `schema` and in that order; the same rows give the same bytes.

    Python writes the bytes, since Polars reports a full disk as an error in the data.
    """
    parquet = io.BytesIO()
    table = table.select(pl.col(name).cast(kind) for name, kind in schema.items())
    table.write_parquet(parquet, compression="zstd", row_group_size=GROUP)
    with replacing(path) as beside:
        beside.write_bytes(parquet.getbuffer())
