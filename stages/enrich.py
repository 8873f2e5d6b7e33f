"""Give each review keywords that really are in it.

Reads   the valid table
Writes  the enriched table; a report of how many keywords there are and that each is in its text
Params  sources.<name>.enrich
"""

from collections import Counter

import polars as pl

from stages import params
from stages.files import write_json
from stages.keywords import keywords, lemmas_of
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
    print(
        f"enrich {name}: {account['rows']:,} rows, {account['mean_keywords']:.1f} keywords each, "
        f"{account['grounded']:.1%} of them in their text"
    )


def enrich(rows: pl.DataFrame, rules: params.Enrich) -> tuple[pl.DataFrame, dict]:
    """The rows with their keywords, and the account of them."""
    texts = rows["text"].to_list()
    fit_on = (rows["split"] == "train").to_list()
    found = keywords(texts, rules.language, rules.keywords, rules.max_share, rows["rubrics"].to_list(), fit_on)
    # Asked of the finished text, not of what the keywords were made from: the claim is about what a reader sees.
    present = [set(lemmas) for lemmas in lemmas_of(texts, rules.language)]
    grounded = [word in lemmas for words, lemmas in zip(found, present, strict=True) for word in words]
    counts = Counter(word for words in found for word in words)
    account = {
        "rows": rows.height,
        "grounded": round(sum(grounded) / len(grounded), 6) if grounded else 1.0,
        "with_keywords": round(sum(map(bool, found)) / rows.height, 6),
        "mean_keywords": round(len(grounded) / rows.height, 6),
        "max_share": round(max(counts.values(), default=0) / rows.height, 6),
        "top": sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP],
    }
    return rows.with_columns(pl.Series("keywords", found, dtype=pl.List(pl.String))), account


if __name__ == "__main__":
    run(main)
