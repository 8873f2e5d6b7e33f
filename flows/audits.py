"""The history of rebuilds: one line of JSON each in data/reports/rebuilds, and the page that shows them."""

import json
import os
from pathlib import Path

from stages.files import replacing

FOLDER = Path("data/reports/rebuilds")
LINES, PAGE = FOLDER / "audits.jsonl", FOLDER / "index.html"


def add(told: dict) -> None:
    """Append one audit, whole or not at all, and write the page anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    line = json.dumps(told, ensure_ascii=False, sort_keys=True) + "\n"
    handle = os.open(LINES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())  # in one call: two audits that end together do not mix
    finally:
        os.close(handle)
    render(read())


def read() -> list[dict]:
    """All audits, the oldest first; a line that was cut short is passed over."""
    found = []
    for line in LINES.read_text("utf-8").splitlines() if LINES.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def render(audits: list[dict]) -> None:
    """The page: no script, nothing fetched, every text escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    text = environment.get_template("audits.html.jinja").render(audits=audits[::-1])
    with replacing(PAGE) as beside:
        beside.write_text(text, "utf-8")
