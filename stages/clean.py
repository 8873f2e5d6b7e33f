"""Clean the raw rows of a source: plain text, 1–5 stars, a split; every row that goes keeps its reason.

Reads   the raw table
Writes  the clean table; the rejected rows; an account of both
Params  sources.<name>.clean

What a row itself decides is done block by block (`scrub`); what other rows decide, by hashes (`collapse`).
"""

import polars as pl

from stages import languages, params, reserved, splits, stars, text
from stages.duplicates import Prints, collapse, fingerprints
from stages.files import write_json
from stages.leakage import leakage
from stages.refusal import Refusal, run
from stages.rules import EXAMPLES, normalise
from stages.schema import CLEAN, RAW, REJECTED, SPLITS, read, write

# In the order they are asked: a row goes for the first that holds. The last three ask about other rows.
REASONS = (
    "empty_text", "broken_encoding", "rating_missing", "rating_unreadable", "rating_out_of_range",
    "too_short", "too_long", "spam", "off_language", "contradictory", "duplicate", "near_duplicate",
)  # fmt: skip
BLOCK = 100_000  # rows
NEAR = 0.8  # Jaccard similarity at which leakage is measured where near-duplicates are kept


def clean(raw: pl.DataFrame, rules: params.Clean, block: int = BLOCK) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    """Raw rows → (kept, rejected, account); each raw row is in exactly one of the two tables, in the source's order.

    account: {"rows_in", "rows_out", "rejected": {reason: rows}, "changed": {rule: rows whose text it altered, of all
    that came in}, "examples": {rule: [[before, after], …]}, "languages": {code: rows, of all whose text could be read},
    "leakage": {"exact", "near": test rows that training rows give away}, "splits": {split: rows}, "ratings": {"1" …
    "5": rows}, "ratings_in": {"1" … "5": share of the raw ratings that could be read}}. The block changes nothing.
    Refuses a split of the source's own that is none of SPLITS.
    """
    blocks = [scrub(part, rules) for part in raw.iter_slices(block)] or [scrub(raw, rules)]
    rows = pl.concat([part for part, _, _ in blocks])
    single = rows["reason"].is_null().arg_true()
    texts = (part.filter(pl.col("reason").is_null())["text"] for part, _, _ in blocks)
    prints = Prints.concat([fingerprints(one, rules.near_duplicate) for one in texts])
    repeats = collapse(rows["text"].gather(single), rows["rating"].gather(single), prints, rules.near_duplicate)
    rows = rows.with_columns(rows["reason"].scatter(single, repeats))
    keep = rows["reason"].is_null()
    kept = raw.with_columns(
        rows["text"], rows["rating"],
        _filled("group").fill_null(pl.col("id")),  # nobody says what is reviewed: a group of its own
        reserved.neutralise(raw["rubrics"].fill_null("")),  # rubrics stand in prompts
    ).filter(keep)  # fmt: skip
    kept = kept.with_columns(_split(kept, rules.split))
    rejected = raw.with_row_index("row").with_columns(rows["reason"]).filter(~keep)
    readable = rows["rating"].drop_nulls()
    account = {
        "rows_in": raw.height,
        "rows_out": kept.height,
        "rejected": _counts(rejected["reason"], REASONS),
        "changed": {rule: sum(changed[rule] for _, changed, _ in blocks) for rule in blocks[0][1]},
        "examples": {rule: [one for *_, found in blocks for one in found[rule]][:EXAMPLES] for rule in blocks[0][2]},
        "languages": dict(sorted(rows["language"].drop_nulls().value_counts().rows())),
        "leakage": leakage(kept, rules.near_duplicate or NEAR),
        "splits": _counts(kept["split"], SPLITS),
        "ratings": {str(star): n for star, n in _counts(kept["rating"], range(1, 6)).items()},
        "ratings_in": {
            str(star): round(n / max(1, readable.len()), 6) for star, n in _counts(readable, range(1, 6)).items()
        },
    }
    if account["rows_in"] != account["rows_out"] + sum(account["rejected"].values()):
        raise RuntimeError(f"rows were lost without a reason: {account}")
    return _as(kept, CLEAN), _as(rejected, REJECTED), account


def scrub(block: pl.DataFrame, rules: params.Clean) -> tuple[pl.DataFrame, dict[str, int], dict[str, list]]:
    """What each row of a block says, whatever the other rows: text, rating, language, reason; and what was changed.

    rating: 1–5 stars, null where it cannot be read. language: null where the text cannot be. reason: the first to
    reject the row, null for a row to keep.
    """
    plain, changed, examples = normalise(block["text"].fill_null(""))
    number = stars.parse(block["rating"])
    low, high = rules.rating_range
    number_fits = number.is_between(low, high).fill_null(False)
    chars = plain.str.len_chars()
    unreadable = (plain == "") | text.broken(plain)
    language = pl.select(pl.when(~unreadable).then(languages.identify(plain))).to_series()
    known = [*(rules.language or languages.KNOWN), languages.UNDECIDED]
    holds = (
        plain == "",
        text.broken(plain),
        block["rating"].fill_null("").str.strip_chars() == "",
        number.is_null(),
        ~number_fits,
        chars < rules.min_chars,
        chars > rules.max_chars,
        text.spam(plain),
        ~language.is_in(known),
    )
    reason = pl.select(pl.coalesce(pl.when(one).then(pl.lit(name)) for name, one in zip(REASONS, holds, strict=False)))
    rating = pl.select(pl.when(number_fits).then(stars.scale(number, low, high))).to_series()
    columns = {"text": plain, "rating": rating, "language": language, "reason": reason.to_series()}
    return pl.DataFrame(columns), changed, examples


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
