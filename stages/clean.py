"""Clean the raw rows of a source: plain text, 1–5 stars, a split; every row that goes keeps its reason.

Reads   the raw table
Writes  the clean table; the rejected rows; an account of both
Params  sources.<name>.clean

What a row itself decides is done block by block (`scrub`); what other rows decide, by hashes (`collapse`). No more than
a block and some hashes of every row are in memory: texts wait on disk.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from stages import languages, params
from stages.blocks import Aside, Source, beside
from stages.duplicates import Pile, collapse, fingerprints
from stages.files import write_json
from stages.leakage import leaks, marks
from stages.refusal import Refusal, run
from stages.rows import PLAIN, REASONS, finish, scrub
from stages.rules import EXAMPLES, RULES
from stages.schema import CLEAN, RAW, REJECTED, SPLITS

BLOCK = 20_000  # rows
NEAR = 0.8  # Jaccard similarity at which leakage is measured where near-duplicates are kept
LANGUAGE, REASON = pl.Enum([*languages.KNOWN, languages.UNDECIDED]), pl.Enum(REASONS)  # one byte a row
SAID = pl.DataFrame(schema={"rating": pl.Int8, "language": LANGUAGE, "reason": REASON})


def clean(raw: pl.DataFrame, rules: params.Clean, block: int = BLOCK) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    """Raw rows → (kept, rejected, account); each raw row is in exactly one of the two tables, in the source's order.

    account: {"rows_in", "rows_out", "rejected": {reason: rows}, "changed": {rule: rows whose text it altered, of all
    that came in}, "examples": {rule: [[before, after], …]}, "languages": {code: rows, of all whose text could be read},
    "leakage": {"exact", "near": test rows that training rows give away}, "splits": {split: rows}, "ratings": {"1" …
    "5": rows}, "ratings_in": {"1" … "5": share of the raw ratings that could be read}}. The block changes nothing.
    Refuses a split of the source's own that is none of SPLITS.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept, rejected, account = sift(list(raw.iter_slices(block)), rules, Path(folder))
        return kept.read(), rejected.read(), account


def sift(blocks: Iterable[pl.DataFrame], rules: params.Clean, folder: Path) -> tuple[Aside, Aside, dict]:
    """The same of raw rows that are read twice, block by block; the tables are put aside in the folder."""
    plain = Aside(folder / "plain", PLAIN)
    pile = Pile(folder / "prints", rules.near_duplicate)
    of_row, changed, examples = [SAID], dict.fromkeys(RULES, 0), {rule: [] for rule in RULES}
    for block in blocks:
        rows, altered, found = scrub(block, rules)
        single = rows.filter(pl.col("reason").is_null())
        plain.add(single)
        pile.add(fingerprints(single["text"], rules.near_duplicate, of=single["question"]))
        of_row.append(rows.select(pl.col(name).cast(kind) for name, kind in SAID.schema.items()))
        changed = {rule: n + altered[rule] for rule, n in changed.items()}
        examples = {rule: (pairs + found[rule])[:EXAMPLES] for rule, pairs in examples.items()}
    rows = pl.concat(of_row)
    single = rows["reason"].is_null().arg_true()
    repeats = collapse(plain, rows["rating"].gather(single), pile.prints(), rules.near_duplicate)
    reason = rows["reason"].scatter(single, repeats.cast(REASON))
    kept, rejected, at = Aside(folder / "kept", CLEAN), Aside(folder / "rejected", REJECTED), 0
    threshold = rules.near_duplicate or NEAR
    marked, split = Pile(folder / "marks", threshold), [pl.Series("split", dtype=pl.String)]
    for block, texts in zip(blocks, plain, strict=True):
        here, was = (one.slice(at, block.height) for one in (reason, rows["reason"]))
        gone = block.with_row_index("row", at).with_columns(here.alias("reason"))
        rejected.add(gone.filter(here.is_not_null()))
        stays = finish(block.filter(here.is_null()), texts.filter(here.filter(was.is_null()).is_null()), rules.split)
        kept.add(stays)
        marked.add(marks(stays["text"], threshold, stays["question"]))
        split.append(stays["split"])
        at += block.height
    split, rating = _known(pl.concat(split)), rows["rating"].filter(reason.is_null())
    readable = rows["rating"].drop_nulls()
    account = {
        "rows_in": reason.len(),
        "rows_out": kept.rows,
        "rejected": _counts(reason.drop_nulls(), REASONS),
        "changed": changed,
        "examples": examples,
        "languages": dict(sorted(rows["language"].drop_nulls().value_counts().rows())),
        "leakage": leaks(kept, split, marked.prints(), threshold),
        "splits": _counts(split, SPLITS),
        "ratings": {str(star): n for star, n in _counts(rating, range(1, 6)).items()},
        "ratings_in": {
            str(star): round(n / max(1, readable.len()), 6) for star, n in _counts(readable, range(1, 6)).items()
        },
    }
    if account["rows_in"] != account["rows_out"] + sum(account["rejected"].values()) or kept.rows + rejected.rows != at:
        raise RuntimeError(f"rows were lost without a reason: {account}")
    return kept, rejected, account


def _known(split: pl.Series) -> pl.Series:
    """The splits of all kept rows, refused where the source gave one that nobody knows."""
    strange = split.filter(~split.is_in(SPLITS)).unique().sort()
    if strange.len():
        raise Refusal(
            f"splits named {', '.join(SPLITS)}", ", ".join(strange.head(5)), "column split of the raw table",
            "rename them in the source, or take columns.split out of its collect settings to have splits drawn",
        )  # fmt: skip
    return split


def _counts(values: pl.Series, known: tuple | range) -> dict:
    """Rows with each known value, those with none too."""
    found = dict(values.value_counts().rows())
    return {value: found.get(value, 0) for value in known}


def main(name: str, raw: str, kept: str, rejected: str, account: str) -> None:
    """Clean the source `name`; the rejected rows are written even when none is left to keep."""
    rules = params.entry(params.load().sources, name, "sources").clean
    source = Source(raw, RAW, BLOCK)
    with beside(kept) as folder:
        rows, lost, counts = sift(source, rules, folder)
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in counts["rejected"].items() if n) or "none"
        lost.write(rejected)
        if not rows.rows:
            raise Refusal(
                "rows after cleaning",
                f"none of {counts['rows_in']:,} ({reasons if counts['rows_in'] else 'the table was empty'})",
                f"params.yaml: sources.{name}.clean", f"loosen the rule that took most, or read {rejected} row by row",
            )  # fmt: skip
        rows.write(kept)
        write_json(account, counts)
    print(f"clean {name}: {counts['rows_in']:,} rows in, {rows.rows:,} kept, {lost.rows:,} rejected ({reasons})")


if __name__ == "__main__":
    run(main)
