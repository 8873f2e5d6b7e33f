"""The account of a source: literal reports and tables in; one JSON, one page, or a refusal that names the stage."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from small_mill import settings

from stages import account, page, schema
from stages.refusal import Refusal
from stages.sources.batch import REJECTS

SCRIPT = "<script>alert(1)</script>"
REPORTS = {
    "collect": {"rows_in": 12, "rows_out": 10, "rejected": {"bad_json": 2}},
    "clean": {
        "rows_in": 10, "rows_out": 7, "rejected": {"duplicate": 2, "too_short": 1, "spam": 0},
        "changed": {"html": 1, "nfc": 0}, "examples": {"html": [["a <b>c</b>", "a c"]], "nfc": []},
        "languages": {"ru": 6, "und": 1}, "leakage": {"exact": 0, "near": 0},
        "ratings_in": {"1": 0.25, "5": 0.75},
    },
    "validate": {"rows_in": 7, "rows_out": 7, "rejected": {}},
    "enrich": {"rows_in": 7, "rows_out": 7, "rejected": {}, "grounded": 1.0, "coverage": 0.5, "max_share": 0.3,
               "top": [["суп", 2], ["чай", 1]]},
}  # fmt: skip
WORDS = ["places", "rejected", "enriched.parquet", "reports", "out.json", "out.html"]


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """A folder with what the stage reads."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(settings(), allow_unicode=True), "utf-8")
    report()
    kept = [
        dict.fromkeys(schema.ENRICHED, "") | {"rating": 5 - n % 2, "mark": 1.0, "text": "я" * (n + 1), "keywords": []}
        for n in range(7)
    ]
    schema.write("enriched.parquet", pl.DataFrame(kept, schema=schema.ENRICHED), schema.ENRICHED)
    raw = dict.fromkeys(schema.RAW, "x")
    gone = [("duplicate", "twice"), ("duplicate", SCRIPT), ("too_short", "no")]
    lost = [raw | {"row": n, "reason": reason, "text": text} for n, (reason, text) in enumerate(gone)]
    schema.write("rejected/clean/places.parquet", pl.DataFrame(lost, schema=schema.REJECTED), schema.REJECTED)
    bad = [("f.jsonl", line, "bad_json", "{half") for line in (3, 4)]
    schema.write("rejected/collect/places.parquet", pl.DataFrame(bad, schema=REJECTS, orient="row"), REJECTS)
    failing = schema.CLEAN | {"expectation": pl.String}
    row = dict.fromkeys(schema.CLEAN, "y") | {"rating": 3, "mark": 0.5, "expectation": "loose_duplicate_share"}
    schema.write("rejected/validate/places.parquet", pl.DataFrame([row], schema=failing), failing)
    return tmp_path


def report(**changes: dict) -> None:
    for stage, told in REPORTS.items():
        path = Path(f"reports/{stage}/places.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told | changes.get(stage, {})), "utf-8")


def test_every_row_is_accounted_for(files):
    account.main(*WORDS)
    told = json.loads(Path("out.json").read_text("utf-8"))
    assert told["stages"] == {
        stage: {key: REPORTS[stage][key] for key in ("rows_in", "rows_out", "rejected")} for stage in REPORTS
    }
    assert (told["leakage"], told["languages"]) == ({"exact": 0, "near": 0}, {"ru": 6, "und": 1})
    assert told["keywords"] == {"grounded": 1.0, "coverage": 0.5, "max_share": 0.3, "top": [["суп", 2], ["чай", 1]]}
    assert told["ratings"] == {"before": {"1": 0.25, "5": 0.75}, "after": {"4": 3, "5": 4}}
    chars = told["lengths"]["characters"]
    assert (chars["p5"], chars["median"], chars["max"]) == (1, 4, 7)
    assert sum(step["rows"] for step in chars["histogram"]) == 7


def test_the_page_shows_rows_as_text_and_fetches_nothing(files):
    account.main(*WORDS)
    page = Path("out.html").read_text("utf-8")
    assert SCRIPT not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<script|<link|<img|\ssrc=|url\((?!#)", page)
    for shown in ("duplicate", "too short", "bad json", "{half", "loose_duplicate_share", "суп", "<del>", "und"):
        assert shown in page, shown
    assert "no row: spam" in page


@pytest.mark.parametrize(
    ("changes", "where", "found"),
    [
        ({"clean": {"rows_out": 6}}, "clean", "10 in, 6 out, 3 rejected"),
        ({"collect": {"rows_in": 13, "rows_out": 11}}, "clean", "11 rows out of collect, 10 rows into clean"),
        ({"enrich": {"rows_out": 6, "rejected": {"x": 1}}}, "enrich", "7 rows in it, 6 in its report"),
    ],
)
def test_rows_that_do_not_add_up_are_refused_with_their_stage(files, changes, where, found):
    report(**changes)
    with pytest.raises(Refusal) as refused:
        account.main(*WORDS)
    assert refused.value.where == f"reports/{where}/places.json" and refused.value.found == found
    assert not Path("out.json").exists() and not Path("out.html").exists()


def test_a_table_that_lacks_rejected_rows_is_refused(files):
    table = schema.read("rejected/clean/places.parquet", schema.REJECTED)
    schema.write("rejected/clean/places.parquet", table.tail(2), schema.REJECTED)
    with pytest.raises(Refusal) as refused:
        account.main(*WORDS)
    assert refused.value.found == "duplicate: 1 in the table, 2 reported"


def test_missing_fields_are_named_all_at_once(files):
    for stage, key in (("clean", "leakage"), ("enrich", "top")):
        path = Path(f"reports/{stage}/places.json")
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != key}))
    with pytest.raises(Refusal) as refused:
        account.main(*WORDS)
    assert refused.value.found == "no clean.leakage, enrich.top"


def test_lengths_fall_into_round_steps_the_last_one_open():
    told = account.lengths(pl.Series([1] * 98 + [95, 4000]))
    assert {key: told[key] for key in ("p5", "median", "p95", "max")} == {"p5": 1, "median": 1, "p95": 1, "max": 4000}
    first, last = told["histogram"][0], told["histogram"][-1]
    assert (first["low"], first["high"] - first["low"], first["rows"]) == (0, 5, 98)
    assert last["high"] is None and last["rows"] == 1
    assert account.lengths(pl.Series([], dtype=pl.Int64))["histogram"] == []


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100%"),
        (0.99999, ">99.9%"),
        (0.999, "99.9%"),
        (0.001, "0.1%"),
        (0.00001, "<0.1%"),
        (0, "0%"),
        (0.5, "50.0%"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share, text):
    assert page._percent(share) == text
