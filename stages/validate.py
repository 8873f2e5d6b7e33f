"""The gate of a source: a table that fails a critical expectation goes no further.

Reads   the clean table; the snapshots that were accepted (stages.accept), for how far the ratings drifted
Writes  the valid table (the same rows; none when refused); the rows at fault, with the expectation that each failed
        (none when all passed); a report; Data Docs pages (not tracked: they carry times)
Params  sources.<name>.validate, sources.<name>.enrich.language

Rows are read block by block; in memory are a block and some numbers of each row.
"""

import shutil
from pathlib import Path

import numpy as np
import polars as pl

from stages import measures, params, suites
from stages.blocks import Source, sink
from stages.expectations import Check, evaluate, told, warns
from stages.files import read_json, write_json
from stages.refusal import Refusal, run
from stages.schema import CLEAN, write

FAULTY = CLEAN | {"expectation": pl.String}
BLOCK = 20_000  # rows
SHOWN = 1000  # rows kept of each failed expectation: enough to see what they have in common


def main(name: str, clean: str, valid: str, rejected: str, report: str, docs: str, accepted: str = "") -> None:
    """`accepted`: the folder of accepted snapshots; a source that has none there is not asked how far it drifted."""
    source = params.entry(params.load().sources, name, "sources")
    rules, language, address = source.validate_, source.enrich.language, f"sources.{name}.validate"
    rows = Source(clean, CLEAN, BLOCK)
    for before in (valid, rejected, report):  # of an earlier run: a refused table leaves none
        Path(before).unlink(missing_ok=True)
    shutil.rmtree(docs, ignore_errors=True)
    if not rows.rows:
        raise Refusal("rows to validate", "none", clean, f"dvc repro clean@{name}")
    snapshot = Path(accepted) / f"{name}.json"
    before = read_json(snapshot)["ratings"] if accepted and snapshot.is_file() else None
    suite = suites.of_source(rules, address, language, before is not None)
    names = [*(check.name for check in suite), *suites.MAYBE]
    unknown = [one for one in rules.warning if not any(warns(name, (one,)) for name in names)]
    if unknown:  # a slip here would gate what was meant to pass with a warning
        raise Refusal(
            f"names among {', '.join(dict.fromkeys(names))}", ", ".join(unknown),
            f"params.yaml: {address}.warning", "correct the name",
        )  # fmt: skip
    table = measures.of_source(rows, rules.token_limit, language, before)
    verdicts = evaluate(name, table, suite, rules.warning, Path(docs))
    failed = [one for one in verdicts if not one["passed"]]
    stopping = [one for one in failed if one["critical"]]
    faulty = at_fault(rows, table, suite, {one["name"] for one in failed})
    account = {
        "passed": not stopping,
        "rows_in": rows.rows,
        "rows_out": 0 if stopping else rows.rows,
        "rejected": {"refused_table": rows.rows} if stopping else {},  # a gate: all of them or none
        "ratings": measures.rating_shares(table["rating"]),
        "accepted": before,
        "expectations": verdicts,
        "warnings": [one["name"] for one in failed if not one["critical"]],
    }
    write(rejected, faulty, FAULTY)
    write_json(report, account)
    if stopping:
        raise Refusal(
            f"{name} to meet its critical expectations", f"{len(stopping)} failed" + told(stopping),
            f"{clean}, {rows.rows:,} rows; {report}; {rejected}; {docs}/index.html",
            "look at the rows; or, if they are right, set the bound at its address, or list its name under "
            f"params.yaml: {address}.warning",
        )  # fmt: skip
    del table
    sink(rows.scan(), valid)
    met = f"{len(verdicts) - len(failed)} of {len(verdicts)} expectations met"
    new = f"; no snapshot accepted yet (python -m stages.accept {name})" if before is None else ""
    print(f"validate {name}: {rows.rows:,} rows, {met}{new}{told(failed)}")


def at_fault(rows: Source, table: pl.DataFrame, suite: list[Check], failed: set[str]) -> pl.DataFrame:
    """The first SHOWN rows at fault of each failed expectation that is about single rows; a row may stand twice."""
    found = {}
    for check in suite:
        fault = check.failing() if check.name in failed and check.column in table.columns else None
        if fault is not None:
            found[check.name] = table.select(fault).to_series().arg_true().head(SHOWN).to_numpy()
    asked = np.unique(np.concatenate([np.empty(0, np.int64), *found.values()])).astype(np.int64)
    met = rows.gather(asked)
    kept = [met.clear().with_columns(expectation=pl.lit(""))]
    for name, which in found.items():
        kept.append(met[np.searchsorted(asked, which)].with_columns(expectation=pl.lit(name)))
    return pl.concat(kept)


if __name__ == "__main__":
    run(main)
