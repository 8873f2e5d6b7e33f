"""Tables of rejected rows: twenty of each reason to look at, and whether they are as many as was reported."""

from pathlib import Path

import polars as pl

from stages.refusal import Refusal
from stages.splits import fraction

SHOWN = 20  # rows of each reason


def scan(path: Path, *columns: str) -> pl.LazyFrame:
    """A parquet table, not yet read. Refuses a missing or unreadable one, and one without these columns."""
    do = "run `dvc repro`, which makes it from its source"
    if not path.is_file():
        raise Refusal("a parquet table", "no such file", str(path), do)
    try:
        table = pl.scan_parquet(path)
        found = table.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Refusal("a readable parquet table", str(error).splitlines()[0], str(path), do) from error
    if missing := [name for name in columns if name not in found]:
        raise Refusal(f"the columns {', '.join(columns)}", ", ".join(found) or "none", str(path), f"{do}: {missing}")
    return table


def examples(rejected: pl.DataFrame, seed: int) -> dict[str, dict]:
    """For each reason, most rows first: {"rows": how many, "shown": [{column: value}]}, nulls left out.

    Up to SHOWN rows, drawn by a hash of the row and the seed (the first ones of a file are often alike), of each text
    once.
    """
    columns = [name for name in rejected.columns if name != "reason"]
    key = rejected.select(
        pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in columns], separator="\x1f")
    ).to_series()
    drawn = rejected.with_columns(fraction(key, f"examples {seed}").alias("_order"), key.alias("_key"))
    once = "text" if "text" in columns else "_key"
    drawn = drawn.sort("_order", "_key").unique(["reason", once], keep="first", maintain_order=True)
    counts = rejected.group_by("reason").len().sort(["len", "reason"], descending=[True, False]).rows()
    return {
        reason: {
            "rows": rows,
            "shown": [
                {name: value for name, value in row.items() if value is not None}
                for row in drawn.filter(pl.col("reason") == reason).select(columns).head(SHOWN).to_dicts()
            ],
        }
        for reason, rows in counts
    }


def agree(stage: str, reported: dict[str, int], rows: dict[str, dict], table: Path) -> None:
    """Refuse a table of rejected rows whose counts are not those reported; a reason may be without rows in it."""
    wrong = [
        f"{reason}: {of['rows']:,} in the table, {reported.get(reason, 0):,} reported"
        for reason, of in rows.items()
        if of["rows"] != reported.get(reason, 0)
    ]
    if wrong:
        raise Refusal(f"{stage} to keep the rows it rejects", "; ".join(wrong), str(table), mend(stage))


def mend(stage: str) -> str:
    """What to do about a stage whose rows do not add up."""
    return f"`dvc repro -f {stage}@<source>`; if it comes back, the stage loses rows: mend it before training on them"
