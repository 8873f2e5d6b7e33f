"""Clean the raw rows of a source: plain text, 1–5 stars, a split; every row that goes keeps its reason.

Reads   the raw table
Writes  the clean table; the rejected rows; an account of both
Params  sources.<name>.clean
"""

import polars as pl

from stages import params, reserved, splits, stars, text
from stages.files import write_json
from stages.refusal import Refusal, run
from stages.rules import normalise
from stages.schema import CLEAN, RAW, REJECTED, SPLITS, read, write

# In the order they are asked: a row goes for the first that holds.
REASONS = (
    "empty_text", "broken_encoding", "rating_missing", "rating_unreadable", "rating_out_of_range",
    "too_short", "too_long", "duplicate",
)  # fmt: skip


def clean(raw: pl.DataFrame, rules: params.Clean) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    """Raw rows → (kept, rejected, account); each raw row is in exactly one of the two tables, in the source's order.

    account: {"rows_in", "rows_out", "rejected": {reason: rows}, "changed": {rule: rows whose text it altered, of
    all that came in}, "examples": {rule: [[before, after], …]}, "splits": {split: rows}, "ratings": {"1" … "5": rows}}.
    Refuses a split of the source's own that is none of SPLITS.
    """
    plain, changed, examples = normalise(raw["text"].fill_null(""))
    number = stars.parse(raw["rating"])
    reason = _reasons(plain, raw["rating"], number, rules)
    keep = reason.is_null()
    low, high = rules.rating_range
    kept = raw.with_columns(
        plain.alias("text"),
        number.alias("rating"),
        _filled("group").fill_null(pl.col("id")),  # nobody says what is reviewed: a group of its own
        reserved.neutralise(raw["rubrics"].fill_null("")),  # rubrics stand in prompts
    ).filter(keep)
    kept = kept.with_columns(stars.scale(kept["rating"], low, high), _split(kept, rules.split))
    rejected = raw.with_row_index("row").with_columns(reason.alias("reason")).filter(~keep)
    account = {
        "rows_in": raw.height,
        "rows_out": kept.height,
        "rejected": _counts(rejected["reason"], REASONS),
        "changed": changed,
        "examples": examples,
        "splits": _counts(kept["split"], SPLITS),
        "ratings": {str(star): n for star, n in _counts(kept["rating"], range(1, 6)).items()},
    }
    if account["rows_in"] != account["rows_out"] + sum(account["rejected"].values()):
        raise RuntimeError(f"rows were lost without a reason: {account}")
    return _as(kept, CLEAN), _as(rejected, REJECTED), account


def _reasons(plain: pl.Series, rating: pl.Series, number: pl.Series, rules: params.Clean) -> pl.Series:
    """For each row the first reason to reject it, null for a row to keep.

    A duplicate is a row whose text an earlier row has *and keeps*: a text is never lost because of a copy that went.
    """
    low, high = rules.rating_range
    chars = plain.str.len_chars()
    holds = (
        plain == "",
        text.broken(plain),
        rating.fill_null("").str.strip_chars() == "",
        number.is_null(),
        ~number.is_between(low, high).fill_null(False),
        chars < rules.min_chars,
        chars > rules.max_chars,
    )
    reason = pl.select(pl.coalesce(pl.when(one).then(pl.lit(name)) for name, one in zip(REASONS, holds, strict=False)))
    rows = pl.DataFrame({"text": plain, "reason": reason.to_series()})
    first = pl.col("text").is_first_distinct().over("reason")
    return rows.select(
        pl.when(pl.col("reason").is_null() & ~first).then(pl.lit("duplicate")).otherwise(pl.col("reason"))
    ).to_series()


def _split(kept: pl.DataFrame, share: params.Split) -> pl.Series:
    """The source's own split where it gives one, else one by a hash of the group."""
    own = kept.select(_filled("split")).to_series()
    strange = own.drop_nulls().filter(~own.drop_nulls().is_in(SPLITS)).unique().sort()
    if strange.len():
        raise Refusal(
            f"splits named {', '.join(SPLITS)}", ", ".join(strange.head(5)), "column split of the raw table",
            "rename them in the source, or take columns.split out of its collect settings to have splits drawn",
        )  # fmt: skip
    return own.fill_null(splits.assign(kept["group"], share.validation, share.test))


def _filled(name: str) -> pl.Expr:
    """A column whose blank values are null."""
    return pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name))


def _counts(values: pl.Series, known: tuple | range) -> dict:
    """Rows with each known value, those with none too."""
    found = dict(values.value_counts().rows())
    return {value: found.get(value, 0) for value in known}


def _as(table: pl.DataFrame, schema: dict) -> pl.DataFrame:
    return table.select(pl.col(name).cast(kind) for name, kind in schema.items())


def main(name: str, raw: str, kept: str, rejected: str, account: str) -> None:
    """Clean the source `name`; the rejected rows are written even when none is left to keep."""
    rules = params.entry(params.load().sources, name, "sources").clean
    rows, lost, counts = clean(read(raw, RAW), rules)
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in counts["rejected"].items() if n) or "none"
    write(rejected, lost, REJECTED)
    if not rows.height:
        raise Refusal(
            "rows after cleaning",
            f"none of {counts['rows_in']:,} ({reasons if counts['rows_in'] else 'the table was empty'})",
            f"params.yaml: sources.{name}.clean", f"loosen the rule that took most, or read {rejected} row by row",
        )  # fmt: skip
    write(kept, rows, CLEAN)
    write_json(account, counts)
    print(f"clean {name}: {counts['rows_in']:,} rows in, {rows.height:,} kept, {lost.height:,} rejected ({reasons})")


if __name__ == "__main__":
    run(main)
