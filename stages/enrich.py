"""Give each review keywords that really are in it.

Reads   the valid table
Writes  the enriched table; a report of how many keywords there are, how they were found and that each is in its text
Params  sources.<name>.enrich
"""

import polars as pl

from stages import params
from stages.files import write_json
from stages.keywords import found
from stages.lemmas import method_of
from stages.refusal import Refusal, run
from stages.schema import CLEAN, ENRICHED, read, write

TOP = 30


def main(name: str, valid: str, enriched: str, report: str) -> None:
    rules = params.entry(params.load().sources, name, "sources").enrich
    rows = read(valid, CLEAN)
    if rows.is_empty():
        raise Refusal("rows to enrich", "none", valid, f"dvc repro validate@{name}")
    table, account = enrich(rows, rules)
    write(enriched, table, ENRICHED)
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
    asked = rows.select("text", "rubrics", fit=pl.col("split") == "train")
    given = found(
        asked, rules.language, rules.keywords, rules.max_share, fewest=rules.fewest, phrases=rules.phrases,
        workers=rules.workers, block=rules.block,
    )  # fmt: skip
    if len(given) != rows.height:
        raise RuntimeError(f"{rows.height} rows in, {len(given)} out")
    counts = given.list.explode(empty_as_null=False).rename("word").value_counts(name="rows")
    counts = counts.sort("rows", "word", descending=[True, False])
    account = {
        "rows_in": rows.height,
        "rows_out": len(given),
        "rejected": {},
        "language": rules.language,
        "method": method_of(rules.language),
        "grounded": 1.0,  # `found` has held each keyword to its text, and stopped at the first that was not there
        "coverage": round(float((given.list.len() > 0).mean()), 6),
        "mean_keywords": round(float(given.list.len().mean()), 6),
        "max_share": round(int(counts["rows"].max() or 0) / rows.height, 6),
        "top": [list(one) for one in counts.head(TOP).rows()],
    }
    return rows.with_columns(given.alias("keywords")), account


if __name__ == "__main__":
    run(main)
