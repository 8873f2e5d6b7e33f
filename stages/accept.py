"""Accept a source's present snapshot: from now on the drift of its ratings is measured from it.

Reads   the report of its last validation, which has to have passed
Writes  accepted/<name>.json beside it: git keeps that file, and DVC has validate depend on it
Params  none

The accepted shares are a file of their own, and not the last report, since DVC overwrites a report by the run that
reads it: at a past commit that run would be compared with itself. A decision in a commit reads the same for ever.
"""

from pathlib import Path

from stages.files import read_json, write_json
from stages.refusal import Refusal, run


def main(name: str, reports: str = "data/reports") -> None:
    path = Path(reports) / "validate" / f"{name}.json"
    found = read_json(path)
    if found.get("passed") is not True:
        raise Refusal("a snapshot that passed its gate", "one that did not", str(path), f"dvc repro validate@{name}")
    target = Path(reports) / "accepted" / f"{name}.json"
    write_json(target, {"rows": found["rows_out"], "ratings": found["ratings"]})
    print(f"accept {name}: ratings of {found['rows_out']:,} rows in {target}; commit it")


if __name__ == "__main__":
    run(main)
