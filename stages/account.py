"""Account for every row of a source: what came in, what went and why, what the kept rows are like.

Reads   data/reports/<stage>/<name>.json of collect, clean, validate and enrich; data/rejected/<stage>/<name>.parquet of
        the first three; the enriched table
Writes  data/reports/data/<name>.json; data/reports/data/<name>.html (one file: no script, nothing fetched), which
        shows rejected rows as they came and so is kept by DVC, not by git
Params  seed

A count of the account is copied from its stage's report; here it is held against its neighbours' and the tables.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl

from stages import params, rejects
from stages.files import read_json, replacing, write_json
from stages.page import page
from stages.refusal import Refusal, run

COUNTS = ("rows_in", "rows_out", "rejected")
FIELDS = {  # in the order that rows pass the stages
    "collect": COUNTS,
    "clean": (*COUNTS, "changed", "examples", "languages", "leakage", "ratings_in"),
    "validate": COUNTS,
    "enrich": (*COUNTS, "grounded", "coverage", "max_share", "top"),
}
REJECTING = ("collect", "clean", "validate")  # what enrich rejects, it has no table for
CALLED = {"collect": {"text": "content"}, "validate": {"reason": "expectation"}}  # our word → the table's
BARS = 30  # of the histogram, at most


def account(reports: dict[str, dict], enriched: pl.DataFrame, where: Callable[[str], str]) -> dict:
    """The account as written to JSON. reports: stage → its report; enriched: columns chars and rating, a row each.

    Refuses a stage whose rows out and rejected are not its rows in, or whose rows in are not the rows out before it
    (`where` tells the path of a stage's report), and an enriched table of another height than was reported.
    """
    stages = {stage: {key: reports[stage][key] for key in COUNTS} for stage in FIELDS}
    for stage, of in stages.items():
        lost = sum(of["rejected"].values())
        if of["rows_in"] != of["rows_out"] + lost:
            found = f"{of['rows_in']:,} in, {of['rows_out']:,} out, {lost:,} rejected"
            raise Refusal(
                f"{stage} to account for every row: in = out + rejected", found, where(stage), rejects.mend(stage)
            )
    for before, after in pairwise(stages):
        out, come = stages[before]["rows_out"], stages[after]["rows_in"]
        if out != come:
            found = f"{out:,} rows out of {before}, {come:,} rows into {after}"
            raise Refusal(f"{after} to read the rows that {before} wrote", found, where(after), rejects.mend(after))
    if enriched.height != stages["enrich"]["rows_out"]:
        found = f"{enriched.height:,} rows in it, {stages['enrich']['rows_out']:,} in its report"
        raise Refusal("enrich to have written the rows it reports", found, where("enrich"), rejects.mend("enrich"))
    clean, enrich = reports["clean"], reports["enrich"]
    ratings = enriched.group_by("rating").len().sort("rating").rows()
    return {
        "stages": stages,
        "leakage": clean["leakage"],
        "keywords": {key: enrich[key] for key in ("grounded", "coverage", "max_share", "top")},
        "ratings": {"before": clean["ratings_in"], "after": {str(rating): rows for rating, rows in ratings}},
        "lengths": {"characters": lengths(enriched["chars"])},
        "languages": clean["languages"],
    }


def lengths(chars: pl.Series) -> dict:
    """Quantiles of text lengths, and how many rows lie in each step of equal width.

    {p5, median, p95, max: characters; histogram: [{low, high, rows}]}: `low` belongs to the step, `high` does not; the
    last step is open (`high` is null) and holds the longest hundredth. The width is 1, 2 or 5 times a power of ten.
    """
    if chars.is_empty():
        return {"p5": 0, "median": 0, "p95": 0, "max": 0, "histogram": []}
    p5, median, p95, p99 = (int(chars.quantile(q, "nearest")) for q in (0.05, 0.5, 0.95, 0.99))
    width = next(n * 10**power for power in range(12) for n in (1, 2, 5) if (p99 + 1) / (n * 10**power) <= BARS)
    steps = dict((chars // width).clip(upper_bound=p99 // width + 1).cast(pl.Int64).value_counts().rows())
    last = max(steps)
    histogram = [
        {"low": n * width, "high": None if n == last else (n + 1) * width, "rows": steps.get(n, 0)}
        for n in range(last + 1)
    ]
    return {"p5": p5, "median": median, "p95": p95, "max": chars.max(), "histogram": histogram}


def _reports(folder: Path, name: str) -> dict[str, dict]:
    """Each stage's report. Refuses, all at once, the fields that are missing."""
    found = {stage: read_json(folder / stage / f"{name}.json") for stage in FIELDS}
    missing = [f"{stage}.{key}" for stage, keys in FIELDS.items() for key in keys if key not in found[stage]]
    if missing:
        raise Refusal(
            "in each report the fields that the account tells", f"no {', '.join(missing)}", str(folder),
            f"run `dvc repro {missing[0].partition('.')[0]}@{name}`, which writes it anew",
        )  # fmt: skip
    return found


def main(name: str, rejected: str, enriched: str, reports: str, account_json: str, html: str) -> None:
    settings = params.load()
    params.entry(settings.sources, name, "sources")
    folder = Path(reports)
    reported = _reports(folder, name)
    kept = rejects.scan(Path(enriched), "text", "rating").select(
        pl.col("text").str.len_chars().alias("chars"), "rating"
    )
    told = account(reported, kept.collect(), lambda stage: str(folder / stage / f"{name}.json"))
    rows = {}
    for stage in REJECTING:
        table = Path(rejected) / stage / f"{name}.parquet"
        lost = rejects.scan(table, CALLED.get(stage, {}).get("reason", "reason")).collect()
        lost = lost.rename({theirs: ours for ours, theirs in CALLED.get(stage, {}).items()})
        rows[stage] = rejects.examples(lost, settings.seed)
        if stage != "validate":  # its rows failed an expectation that may only warn: kept, and not lost
            rejects.agree(stage, told["stages"][stage]["rejected"], rows[stage], table)
    text = page(name, told, reported, rows)
    write_json(account_json, told)
    with replacing(html) as beside:
        beside.write_text(text, encoding="utf-8")
    first, last = told["stages"]["collect"]["rows_in"], told["stages"]["enrich"]["rows_out"]
    print(f"account {name}: {first:,} rows in, {last:,} out, each of the others with its reason → {html}")


if __name__ == "__main__":
    run(main)
