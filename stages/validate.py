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
    for before in (valid, report):  # of an earlier run: a refused table leaves none
        Path(before).unlink(missing_ok=True)
    shutil.rmtree(docs, ignore_errors=True)
    if rows.is_empty():
        raise Refusal("rows to validate", "none", clean, f"dvc repro clean@{name}")
    suite = expectations.checks(rules, address)
    unknown = [one for one in rules.warning if not any(expectations.warns(check.name, (one,)) for check in suite)]
    if unknown:  # a slip here would gate what was meant to pass with a warning
        raise Refusal(
            f"names among {', '.join(check.name for check in suite)}", ", ".join(unknown),
            f"params.yaml: {address}.warning", "correct the name",
        )  # fmt: skip
    table = expectations.measures(rows, rules.token_limit)
    verdicts = expectations.evaluate(name, table, suite, rules.warning, Path(docs))
    failed = [one for one in verdicts if not one["passed"]]
    stopping = [one for one in failed if one["critical"]]
    warnings = [one["name"] for one in failed if not one["critical"]]
    account = {"passed": not stopping, "rows": rows.height, "expectations": verdicts, "warnings": warnings}
    write_json(report, account)
    if stopping:
        raise Refusal(
            f"{name} to meet its critical expectations", f"{len(stopping)} failed" + _lines(stopping),
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
