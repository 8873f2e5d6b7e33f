"""The gate of a source: a table that fails a critical expectation goes no further.

Reads   the clean table
Writes  the valid table (the same rows; none when refused); a report; Data Docs pages (not tracked: they carry times)
Params  sources.<name>.validate
"""

import shutil
from pathlib import Path

from stages import expectations, params
from stages.files import write_json
from stages.refusal import Refusal, run
from stages.schema import CLEAN, read, write


def main(name: str, clean: str, valid: str, report: str, docs: str) -> None:
    rules = params.entry(params.load().sources, name, "sources").validate_
    rows = read(clean, CLEAN)
    address = f"sources.{name}.validate"
    shutil.rmtree(docs, ignore_errors=True)
    table = expectations.measures(rows, rules.token_limit)
    verdicts = expectations.evaluate(name, table, expectations.checks(rules, address), rules.warning, Path(docs))
    failed = [one for one in verdicts if not one["passed"]]
    stopping = [one for one in failed if one["critical"]]
    warnings = [one["name"] for one in failed if not one["critical"]]
    account = {"passed": not stopping, "rows": rows.height, "expectations": verdicts, "warnings": warnings}
    write_json(report, account)
    if stopping:
        raise Refusal(
            f"{name} to meet its critical expectations", f"{len(stopping)} of {len(verdicts)} failed" + _lines(stopping),
            f"{clean}, {rows.height:,} rows; {report}; {docs}/index.html",
            "look at the rows; or, if they are right, set the bound at its address, or list its name under "
            f"params.yaml: {address}.warning",
        )  # fmt: skip
    write(valid, rows, CLEAN)
    met = f"{len(verdicts) - len(failed)} of {len(verdicts)} expectations met"
    print(f"validate {name}: {rows.height:,} rows, {met}{_lines(failed)}")


def _lines(verdicts: list[dict]) -> str:
    """One line per verdict: name, observed value, bound, params address."""
    lines = []
    for one in verdicts:
        low, high = one["bound"]["low"], one["bound"]["high"]
        low, high = ("-∞" if low is None else f"{low:g}"), ("∞" if high is None else f"{high:g}")
        seen = "nothing could be observed" if one["observed"] is None else f"observed {one['observed']:g}"
        lines.append(f"\n      - {one['name']}: {seen} {one['unit']}, bound {low} to {high}; {one['address']}")
    return "".join(lines)


if __name__ == "__main__":
    run(main)
