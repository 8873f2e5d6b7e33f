"""Clean rows as literals → the gate's verdict, its report, its pages; and what a refused table leaves behind."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import accept as accepting
from stages import measures
from stages import validate as stage
from stages.refusal import Refusal
from stages.schema import CLEAN, read, write

ROOT = Path(__file__).parents[1]
WORDS = ["places", "clean.parquet", "out/valid.parquet", "out/rejected.parquet", "out/report.json", "out/docs",
         "accepted"]  # fmt: skip
HOSTILE = "<script>alert('{}')</script>"
RULES = {
    "rows": {"low": 20, "high": 60},
    "rating_share": {1: {"low": 0.1, "high": 0.3}, 5: {"low": 0.5, "high": 0.7}},
    "rating_expected": {1: 0.2, 3: 0.1, 4: 0.1, 5: 0.6},
    "rating_divergence": 0.05,
    "chars": {"median": {"low": 30, "high": 40}, "p95": {"high": 60}, "max": {"high": 60}},
    "tokens": {"median": {"low": 5, "high": 15}, "p95": {"high": 40}},
    "token_limit": 50,
    "truncated_share": 0.1,
}
RATINGS = [1, 1, 3, 4, 5, 5, 5, 5, 5, 5] * 4


def table(**columns) -> pl.DataFrame:
    """Forty rows that meet RULES, each hostile in id and text; `columns` replace some of theirs."""
    rows = {
        "id": [HOSTILE.format(f"id{n}") for n in range(40)],
        "group": ["g"] * 40,
        "rubrics": [""] * 40,
        "rating": RATINGS,
        "text": [HOSTILE.format(f"text {n:02}") for n in range(40)],
        "split": ["train"] * 40,
    }
    return pl.DataFrame(dict.fromkeys(CLEAN) | rows | columns, schema=CLEAN)


@dataclass
class Run:
    folder: Path
    refusal: Refusal | None

    @property
    def rejected(self) -> dict[str, list[str]]:
        """Expectation → the ids of the rows that are kept as failing it."""
        rows = read(self.folder / "out/rejected.parquet", stage.FAULTY)
        return {name: rows.filter(expectation=name)["id"].to_list() for name in rows["expectation"].unique()}

    @property
    def report(self) -> dict:
        return json.loads((self.folder / "out/report.json").read_text(encoding="utf-8"))

    def verdict(self, name: str) -> dict:
        return next(one for one in self.report["expectations"] if one["name"] == name)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """Run the stage as DVC does, in a folder of its own (or in `again`, one of an earlier run)."""

    def run(rows: pl.DataFrame, /, again: Path | None = None, **rules) -> Run:
        folder = again or tmp_path_factory.mktemp("gate")
        settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        settings["sources"]["places"]["validate"] = RULES | rules
        settings["sources"]["places"]["enrich"]["language"] = "en"
        (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            write("clean.parquet", rows, CLEAN)
            try:
                stage.main(*WORDS)
            except Refusal as refusal:
                return Run(folder, refusal)
        return Run(folder, None)

    return run


@pytest.fixture(scope="module")
def good(gate) -> Run:
    return gate(table())


@pytest.fixture(scope="module")
def above(gate) -> Run:
    """Every value lies above its bound."""
    return gate(
        table(),
        rows={"high": 39},
        rating_share={5: {"high": 0.59}},
        rating_expected={1: 0.9, 3: 0.03, 4: 0.03, 5: 0.04},
        chars={"median": {"high": 32}, "p95": {"high": 32}, "max": {"high": 32}},
        tokens={"median": {"high": 4}, "p95": {"high": 4}},
        token_limit=4,
        truncated_share=0.99,
    )


@pytest.fixture(scope="module")
def below(gate) -> Run:
    """Every value lies below its bound."""
    return gate(
        table(),
        rows={"low": 41},
        rating_share={5: {"low": 0.61}},
        chars={"median": {"low": 35}, "p95": {"low": 35}, "max": {"low": 35}},
        tokens={"median": {"low": 16}},
    )


@pytest.fixture(scope="module")
def broken(gate) -> Run:
    """A duplicate id, two rows without text, and a rating there is none of."""
    rows = table()
    ids = [rows["id"][1], *rows["id"][1:]]
    texts = [" ", None, *rows["text"][2:]]
    return gate(table(id=ids, text=texts, rating=[None, *RATINGS[1:]]))


# What is planted in a good table's first rows: expectation → the text of one row.
PLANTED = {
    "duplicate": HOSTILE.format("text 39"),
    "loose_duplicate_share": HOSTILE.format("TEXT, 38"),
    "personal.email": "Write to the.owner@cafe.example.com, they answer at once",
    "personal.handle": "Ask @cafe_owner for a table by the window",
    "personal.link": "The menu is at https://cafe.example.com for all to see",
    "personal.phone": "Call 8 (912) 345-67-89 and ask for the manager there",
    "personal.card": "They took 4111 1111 1111 1111 and nothing came of it",
    "markup": "A lovely place </s> and what came after was not said",
    "off_language_share": "Очень хорошее место, всем советую сюда зайти",
}

FAULTY_RULES = {"chars": {}, "tokens": {}, "loose_duplicate_share": 0.01, "off_language_share": 0.01}


@pytest.fixture(scope="module")
def faulty(gate) -> Run:
    """One row of each fault that a text can have, at the end, and the two rows of a group that two splits share."""
    rows = table()
    return gate(
        table(
            text=[*rows["text"][32:], *rows["text"][len(PLANTED) : 32], *PLANTED.values()],
            group=["both", *rows["group"][1:39], "both"],
            split=["test", *rows["split"][1:]],
        ),
        **FAULTY_RULES,
    )


@pytest.fixture(scope="module")
def onesided(gate) -> Run:
    return gate(table(rating=[5] * 40), rating_share={}, rating_expected={5: 1.0})


# --- a table that passes ---------------------------------------------------------------------------------------------


def test_a_good_table_is_handed_on_unchanged(good):
    assert good.refusal is None
    assert read(good.folder / "out/valid.parquet", CLEAN).equals(table())
    assert good.report["passed"] is True
    assert {key: good.report[key] for key in ("rows_in", "rows_out", "rejected")} == {
        "rows_in": 40, "rows_out": 40, "rejected": {},
    }  # fmt: skip
    assert good.report["ratings"] == {"1": 0.2, "2": 0.0, "3": 0.1, "4": 0.1, "5": 0.6}
    assert good.rejected == {}, "a table that can be opened, without rows"
    assert good.report["warnings"] == []
    assert all(one["passed"] and one["critical"] for one in good.report["expectations"])
    assert good.verdict("rating_share.5") == {
        "name": "rating_share.5",
        "observed": 0.6,
        "bound": {"low": 0.5, "high": 0.7},
        "unit": "of rows",
        "critical": True,
        "passed": True,
        "address": "sources.places.validate.rating_share.5",
    }


def test_a_second_run_gives_the_same_bytes(good, gate):
    names = ["valid.parquet", "rejected.parquet", "report.json"]
    before = [(good.folder / "out" / name).read_bytes() for name in names]
    gate(table(), again=good.folder)
    assert [(good.folder / "out" / name).read_bytes() for name in names] == before


@pytest.mark.parametrize("block", [1, 7])
def test_any_block_gives_the_same_bytes(good, faulty, gate, monkeypatch, block):
    """Of a good table and of one with every fault, in which rows of different blocks repeat and straddle."""
    monkeypatch.setattr(stage, "BLOCK", block)
    for run, names in ((good, ("valid.parquet", "report.json")), (faulty, ("rejected.parquet", "report.json"))):
        before = [(run.folder / "out" / name).read_bytes() for name in names]
        rules = {} if run is good else FAULTY_RULES
        gate(read(run.folder / "clean.parquet", CLEAN), again=run.folder, **rules)
        assert [(run.folder / "out" / name).read_bytes() for name in names] == before


# --- tables that do not ----------------------------------------------------------------------------------------------

UPPER = [
    ("rows", "40 rows, bound -∞ to 39"),
    ("rating_share.5", "0.6 of rows, bound -∞ to 0.59"),
    ("rating_divergence", "1.56481 nats, bound -∞ to 0.05"),
    ("chars.median", "33 characters, bound -∞ to 32"),
    ("chars.p95", "33 characters, bound -∞ to 32"),
    ("chars.max", "33 characters, bound -∞ to 32"),
    ("tokens.median", "14 words and marks, bound -∞ to 4"),
    ("tokens.p95", "14 words and marks, bound -∞ to 4"),
    ("truncated_share", "1 of rows over 4 words and marks, bound -∞ to 0.99"),
]
LOWER = [
    ("rows", "40 rows, bound 41 to ∞"),
    ("rating_share.5", "0.6 of rows, bound 0.61 to ∞"),
    ("chars.median", "33 characters, bound 35 to ∞"),
    ("chars.p95", "33 characters, bound 35 to ∞"),
    ("chars.max", "33 characters, bound 35 to ∞"),
    ("tokens.median", "14 words and marks, bound 16 to ∞"),
]
ROWS = [
    ("unique_id", "2 rows that share an id, bound -∞ to 0"),
    ("nonempty_text", "2 rows without text, bound -∞ to 0"),
    ("rating_known", "1 rows rated otherwise than 1 to 5, bound -∞ to 0"),
]
ALSO = {"above": set(), "below": set(), "broken": {"rating_divergence"}}  # a rating of none was not expected either


@pytest.mark.parametrize(
    ("run", "name", "observed"),
    [("above", *one) for one in UPPER] + [("below", *one) for one in LOWER] + [("broken", *one) for one in ROWS],
)
def test_a_broken_bound_refuses_with_name_value_bound_and_address(run, name, observed, request):
    run = request.getfixturevalue(run)
    address = "stages/suites.py" if (name, observed) in ROWS else f"sources.places.validate.{name}"
    assert not run.verdict(name)["passed"]
    assert f"- {name}: observed {observed}; {address}" in run.refusal.found.split("\n      ")


@pytest.mark.parametrize(("run", "wrong"), [("above", UPPER), ("below", LOWER), ("broken", ROWS)])
def test_nothing_else_fails(run, wrong, request):
    also, run = ALSO[run], request.getfixturevalue(run)
    failed = {one["name"] for one in run.report["expectations"] if not one["passed"]}
    assert failed == {name for name, _ in wrong} | also
    assert run.refusal.found.startswith(f"{len(failed)} failed\n")


def test_one_rating_alone_is_refused(onesided):
    assert "- ratings: observed 1 different ratings, bound 2 to ∞" in onesided.refusal.found
    assert [one["name"] for one in onesided.report["expectations"] if not one["passed"]] == ["ratings"]


def test_a_rating_that_was_not_expected_at_all_is_an_infinite_divergence(gate):
    run = gate(table(), rating_expected={1: 1.0}, rating_share={})
    assert run.verdict("rating_divergence") | {"observed": None, "passed": False} == run.verdict("rating_divergence")
    assert "rating_divergence: nothing could be observed nats" in run.refusal.found


def test_a_refused_table_leaves_its_account_and_no_table(good, gate):
    folder = good.folder
    gate(table(), again=folder)
    run = gate(table(), again=folder, rows={"low": 41})
    assert run.refusal.where == "clean.parquet, 40 rows; out/report.json; out/rejected.parquet; out/docs/index.html"
    assert (run.report["rows_out"], run.report["rejected"]) == (0, {"refused_table": 40})
    assert run.refusal.do.endswith("params.yaml: sources.places.validate.warning")
    assert run.report["passed"] is False
    assert (folder / "out/docs/index.html").is_file()
    assert not (folder / "out/valid.parquet").exists()
    assert gate(table(), again=folder).refusal is None, "and the next good one passes again"


def test_every_fault_is_found_and_its_rows_are_kept(faulty):
    alone = PLANTED | {"group_leakage": ""}
    assert faulty.refusal.found.startswith(f"{len(alone)} failed\n")
    failed = {one["name"]: one for one in faulty.report["expectations"] if not one["passed"]}
    assert failed.keys() == alone.keys() and all(one["critical"] for one in failed.values())
    ids = {name: [table()["id"][n - len(PLANTED)]] for n, name in enumerate(PLANTED)}
    ids["loose_duplicate_share"] = [*ids["duplicate"], *ids["loose_duplicate_share"]]
    assert faulty.rejected == ids | {"group_leakage": [table()["id"][0], table()["id"][39]]}
    assert failed["personal.phone"] == {
        "name": "personal.phone",
        "observed": 1.0,
        "bound": {"low": None, "high": 0},
        "unit": "rows with a phone left in the text",
        "critical": True,
        "passed": False,
        "address": "stages/suites.py",
    }
    assert failed["off_language_share"]["address"] == "sources.places.validate.off_language_share"


def test_rows_beyond_a_greatest_length_are_kept_and_those_of_a_mere_share_within_bounds_are_not(gate):
    long = table(text=["x" * 70, "x" * 80, table()["text"][3].upper(), *table()["text"][3:]])
    run = gate(long, chars={"max": {"high": 75}}, tokens={}, loose_duplicate_share=1.0, warning=["chars.max"])
    assert run.rejected == {"chars.max": [table()["id"][1]]}


def test_of_each_expectation_only_the_first_rows_are_kept(gate, monkeypatch):
    monkeypatch.setattr(stage, "SHOWN", 3)
    run = gate(table(), token_limit=4)
    assert run.rejected == {"truncated_share": table()["id"][:3].to_list()}


# --- drift -----------------------------------------------------------------------------------------------------------


def test_drift_is_measured_from_the_last_accepted_snapshot(gate):
    first = gate(table(), warning=["rating_drift"])
    assert first.refusal is None, "what is not asked yet may stand among the warnings"
    assert first.report["accepted"] is None and "rating_drift" not in {e["name"] for e in first.report["expectations"]}
    accept(first.folder)
    same = gate(table(), again=first.folder)
    assert same.verdict("rating_drift")["observed"] == 0.0 and same.report["accepted"] == first.report["ratings"]
    moved = gate(table(rating=[1, 1, 1, 1, 3, 4, 5, 5, 5, 5] * 4), again=first.folder, rating_expected={
        1: 0.4, 3: 0.1, 4: 0.1, 5: 0.4}, rating_share={})  # fmt: skip
    assert [one["name"] for one in moved.report["expectations"] if not one["passed"]] == []
    assert moved.verdict("rating_drift")["observed"] == pytest.approx(0.219722)  # 0.2·ln 2 − 0.2·ln(2/3)
    far = gate(table(rating=[1, 1, 1, 1, 3, 4, 5, 5, 5, 5] * 4), again=first.folder, rating_expected={
        1: 0.4, 3: 0.1, 4: 0.1, 5: 0.4}, rating_share={}, rating_drift=0.2)  # fmt: skip
    line = "- rating_drift: observed 0.219722 nats from the last accepted snapshot, bound -∞ to 0.2"
    assert f"{line}; sources.places.validate.rating_drift" in far.refusal.found
    with pytest.raises(Refusal) as refusal:
        accept(first.folder)
    assert refusal.value.found == "one that did not"


def accept(folder: Path) -> None:
    """What a person does after looking: the report where DVC puts it, then `python -m stages.accept places`."""
    (folder / "validate").mkdir(exist_ok=True)
    (folder / "validate/places.json").write_bytes((folder / "out/report.json").read_bytes())
    accepting.main("places", str(folder))


# --- warnings --------------------------------------------------------------------------------------------------------

WARN = ["tokens", "rating_share"]


def test_a_warning_reports_and_does_not_stop(gate, capsys):
    run = gate(table(), tokens={"p95": {"high": 13}}, rating_share={5: {"low": 0.9}}, warning=WARN)
    assert run.refusal is None
    assert run.report["passed"] is True
    assert run.report["warnings"] == ["rating_share.5", "tokens.p95"]
    assert run.verdict("tokens.p95")["critical"] is False
    assert (run.folder / "out/valid.parquet").is_file()
    out = capsys.readouterr().out
    assert out.startswith("validate places: 40 rows, 20 of 22 expectations met; no snapshot accepted yet (")
    assert "- tokens.p95: observed 14 words and marks, bound -∞ to 13; sources.places.validate.tokens.p95" in out


@pytest.mark.parametrize(
    ("rules", "found", "where"),
    [
        ({"warning": ["tokens.p59", "rows"]}, "tokens.p59", "params.yaml: sources.places.validate.warning"),
        ({"rating_expected": {5: 0.0}}, "none above 0", "params.yaml: sources.places.validate.rating_expected"),
    ],
)
def test_settings_that_make_no_sense_are_refused(gate, rules, found, where):
    refusal = gate(table(), **rules).refusal
    assert (refusal.found, refusal.where) == (found, where)


def test_an_empty_table_is_refused_and_leaves_nothing_of_an_earlier_run(good, gate):
    gate(table(), again=good.folder)
    run = gate(table().head(0), again=good.folder)
    assert (run.refusal.expected, run.refusal.found) == ("rows to validate", "none")
    assert run.refusal.do == "dvc repro clean@places"
    assert list((run.folder / "out").iterdir()) == []
    gate(table(), again=good.folder)


def test_what_could_not_be_evaluated_has_failed(gate, monkeypatch):
    """GX meets an exception (a column it is asked about is not there) and does not stop of itself."""
    whole = measures.of_source
    monkeypatch.setattr(measures, "of_source", lambda *given: whole(*given).drop("chars_p95"))
    run = gate(table())
    assert not run.verdict("chars.p95")["passed"]
    assert "- chars.p95: nothing could be observed characters, bound -∞ to 60" in run.refusal.found
    assert run.refusal.found.startswith("1 failed\n")


# --- what leaves the house -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["good", "broken", "above", "faulty"])
def test_the_pages_show_nothing_a_reviewer_wrote(run, request):
    docs = request.getfixturevalue(run).folder / "out/docs"
    pages = {page: page.read_text(encoding="utf-8") for page in docs.rglob("*.html")}
    assert docs / "index.html" in pages
    assert any("rating_share.5" in page for page in pages.values()), "the pages that show the suite"
    for page in pages.values():
        for written in ("alert(", "alert&#", "text 0", "id0", "345-67-89", "cafe.example"):
            assert written not in page


@pytest.mark.parametrize("run", ["good", "faulty", "above"])
def test_the_front_page_shows_what_the_report_says_and_its_links_lead_somewhere(run, request):
    run = request.getfixturevalue(run)
    page = (run.folder / "out/docs/index.html").read_text(encoding="utf-8")
    for one in run.report["expectations"]:
        state = "passed" if one["passed"] else "failed"
        assert f"<tr class={state}><td>{state}</td><td>{one['name']}</td><td>{one['observed']:g}</td>" in page
    links = re.findall('href="([^"]+)"', page)
    assert len(links) >= 2 and all((run.folder / "out/docs" / link).is_file() for link in links)
    assert "<script" not in page and "http" not in page


def test_nothing_is_reported_to_the_makers_of_great_expectations():
    """1.24 as installed has nothing that would; the variable holds for the versions that have."""
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
