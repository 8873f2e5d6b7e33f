"""Give each review keywords that really are in it.

Reads   the valid table
Writes  the enriched table; a report of how many keywords there are, how they were found and that each is in its text
Params  sources.<name>.enrich
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from stages import params
from stages.blocks import Aside, Source, beside
from stages.files import write_json
from stages.keywords import stream
from stages.lemmas import method_of
from stages.refusal import Refusal, run
from stages.schema import CLEAN, ENRICHED

TOP = 30


def main(name: str, valid: str, enriched: str, report: str) -> None:
    """Rows are read twice, block by block; in memory are a block, the vocabulary and the weights of candidates."""
    settings = params.load()
    rules = params.entry(settings.sources, name, "sources").enrich
    rows = Source(valid, CLEAN, rules.block)
    if not rows.rows:
        raise Refusal("rows to enrich", "none", valid, f"dvc repro validate@{name}")
    with beside(enriched) as folder:
        table, account = sift(rows, rules, folder, settings.engine)
        table.write(enriched)
    write_json(report, account)
    how = f" ({rules.language} has no lemmatiser here: plain word forms)" if account["method"] == "fallback" else ""
    print(
        f"enrich {name}: {account['rows_out']:,} rows, {account['mean_keywords']:.1f} keywords each, "
        f"{account['coverage']:.1%} of rows have one, {account['grounded']:.1%} of keywords are in their text{how}"
    )


def enrich(rows: pl.DataFrame, rules: params.Enrich) -> tuple[pl.DataFrame, dict]:
    """The rows with their keywords, and the account of them.

    Shares are of all rows: `coverage` have a keyword, `max_share` have the commonest one. Raises RuntimeError if a row
    went missing or a keyword is not in its review.
    """
    with tempfile.TemporaryDirectory() as folder:
        table, account = sift(list(rows.iter_slices(rules.block)), rules, Path(folder))
        return table.read(), account


def sift(
    blocks: Iterable[pl.DataFrame], rules: params.Enrich, folder: Path, where: str = "local"
) -> tuple[Aside, dict]:
    """The same of rows that are read twice, block by block; the table is put aside in the folder. where: the engine."""
    asked = (rows.select("text", "rubrics", fit=pl.col("split") == "train") for rows in blocks)
    given = _engine(where)(
        asked, folder / "words", rules.language, rules.keywords, rules.max_share,
        fewest=rules.fewest, phrases=rules.phrases, workers=rules.workers,
    )  # fmt: skip
    table, covered, words, rows_in = Aside(folder / "enriched", ENRICHED), 0, 0, 0
    counts = pl.DataFrame(schema={"word": pl.String, "rows": pl.UInt32})
    rest = iter(blocks)
    for found in given:
        rows = next(rest, None)
        if rows is None or rows.height != found.len():
            raise RuntimeError(f"{0 if rows is None else rows.height} rows in, {found.len()} out")
        table.add(rows.with_columns(found.alias("keywords")))
        rows_in += rows.height
        covered += int((found.list.len() > 0).sum())
        words += int(found.list.len().sum())
        more = found.list.explode(empty_as_null=False).rename("word").value_counts(name="rows")
        counts = pl.concat([counts, more]).group_by("word").agg(pl.col("rows").sum())
    if (lost := sum(rows.height for rows in rest)) or table.rows != rows_in:
        raise RuntimeError(f"{rows_in + lost} rows in, {table.rows} out")
    counts = counts.sort("rows", "word", descending=[True, False])
    account = {
        "rows_in": rows_in,
        "rows_out": table.rows,
        "rejected": {},
        "language": rules.language,
        "method": method_of(rules.language),
        "grounded": 1.0,  # `stream` has held each keyword to its text, and stopped at the first that was not there
        "coverage": round(covered / rows_in, 6),
        "mean_keywords": round(words / rows_in, 6),
        "max_share": round(int(counts["rows"].max() or 0) / rows_in, 6),
        "top": [list(one) for one in counts.head(TOP).rows()],
    }
    return table, account


def _engine(name: str) -> Callable:
    """keywords.stream, or the same on Ray, which is imported only where it is wanted."""
    if name == "local":
        return stream
    from stages.engines import words

    return words.stream


if __name__ == "__main__":
    run(main)
