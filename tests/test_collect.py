"""The two kinds of source, through `main` as DVC calls it."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import collect
from stages.files import read_json
from stages.refusal import Refusal, run
from stages.schema import RAW, read
from stages.sources import lines, quoted, snapshot
from stages.sources.batch import REJECTS

ROOT = Path(__file__).parents[1]
OUT = ("raw/x.parquet", "bad/x.parquet", "report/x.json")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose source `films` is a csv file; returns how to change its settings."""
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("key,review,stars\na,Slow start.,4.0\nb,Lovely ending.,5\nc,So so.,3\n", encoding="utf-8")

    def change(**more) -> None:
        columns = {"text": "review", "rating": "stars", "id": "key"}
        wanted = {"kind": "file", "path": "in.csv", "format": "csv", "columns": columns}
        settings["sources"]["films"]["collect"] = wanted | more
        Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")

    change()
    return change


def test_a_file_becomes_the_raw_table(project, capsys):
    collect.main("films", *OUT)
    rows = read(OUT[0], RAW)
    assert rows.select("id", "text", "rating").row(0) == ("a", "Slow start.", "4.0")
    assert rows.height == 3
    assert capsys.readouterr().out == "collect films: 3 rows from in.csv\n"


def test_the_seed_of_the_settings_draws_the_sample(project):
    project(sample=2)
    collect.main("films", *OUT)
    assert read(OUT[0], RAW).height == 2


def test_a_bundled_corpus_is_asked_for_by_name_rows_and_seed(project, monkeypatch, capsys):
    settings = yaml.safe_load(Path("params.yaml").read_text())
    words = ("places", settings["sources"]["places"]["collect"]["rows"], settings["seed"], 6)
    rows = pl.DataFrame([dict.fromkeys(RAW) | {"id": "0", "rating": "5", "text": "Хорошо."}], schema=RAW)
    monkeypatch.setattr(collect.sample, "generate", lambda *said: rows if said == words else None)
    collect.main("places", *OUT)
    assert read(OUT[0], RAW).equals(rows)
    assert capsys.readouterr().out == "collect places: 1 rows from places\n"


def test_what_cannot_be_read_is_set_aside_and_counted(project, capsys):
    with Path("in.csv").open("ab") as file:
        file.write(b"d,torn\n" + b"e,bad \xff,5\n" + b"f,fine,4\n")
    project(bad_share=0.4)
    collect.main("films", *OUT)
    assert read(OUT[0], RAW)["id"].to_list() == ["a", "b", "c", "f"]
    assert pl.read_parquet(OUT[1]).rows() == [
        ("in.csv", 5, "bad_fields", "d,torn"),
        ("in.csv", 6, "bad_encoding", "e,bad \ufffd,5"),
    ]
    account = {"rows_in": 6, "rows_out": 4, "rejected": {"bad_fields": 1, "bad_encoding": 1}}
    assert read_json(OUT[2]) == account
    assert capsys.readouterr().out == "collect films: 4 rows from in.csv, 1 bad_encoding, 1 bad_fields\n"


def test_a_table_without_rejects_has_its_columns_all_the_same(project):
    collect.main("films", *OUT)
    assert pl.read_parquet(OUT[1]).schema == REJECTS
    assert read_json(OUT[2]) == {"rows_in": 3, "rows_out": 3, "rejected": {}}


def test_more_bad_rows_than_the_ceiling_stop_the_run_and_leave_the_former_snapshot(project):
    collect.main("films", *OUT)
    before = [Path(path).read_bytes() for path in OUT]
    with Path("in.csv").open("a") as file:
        file.write("d,torn\n" * 5)
    project(bad_share=0.6)
    with pytest.raises(Refusal) as refusal:
        collect.main("films", *OUT)
    assert refusal.value.expected == "at most 60.00% of the rows unreadable"
    assert refusal.value.found == "5 of 8: bad_fields 5"
    assert (
        refusal.value.where
        == "first in.csv line 5 (bad_fields); in.csv line 6 (bad_fields); in.csv line 7 (bad_fields)"
    )
    assert "params.yaml: sources.films.collect.bad_share" in refusal.value.do
    assert [Path(path).read_bytes() for path in OUT] == before
    assert not [path for folder in ("raw", "bad", "report") for path in Path(folder).glob(".*")]


def test_rows_that_a_sample_leaves_out_are_in_the_account_and_are_no_bad_rows(project):
    project(sample=1, bad_share=0.0)
    collect.main("films", *OUT)
    assert read_json(OUT[2]) == {"rows_in": 3, "rows_out": 1, "rejected": {"not_sampled": 2}}


@pytest.mark.parametrize("text", ["key,review,stars\n", "key,review,stars\n\n\n"])
def test_a_file_without_rows_is_refused(project, text):
    Path("in.csv").write_text(text)
    with pytest.raises(Refusal) as refusal:
        collect.main("films", *OUT)
    assert refusal.value.found == "a file source without any"


def test_the_same_rows_give_the_same_bytes_however_they_were_read(project, monkeypatch):
    rows = "".join(f"{n},text {n},5\n" for n in range(3000))
    Path("in.csv").write_text("key,review,stars\n" + rows)
    monkeypatch.setattr(snapshot, "ROWS", 1000)
    collect.main("films", "a.parquet", *OUT[1:])
    monkeypatch.setattr(quoted, "ROWS", 70)
    monkeypatch.setattr(lines, "BLOCK", 100)
    collect.main("films", "b.parquet", *OUT[1:])
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()
    assert read("a.parquet", RAW)["id"].to_list() == [str(n) for n in range(3000)]


def test_equal_files_give_equal_bytes(project):
    collect.main("films", "a.parquet", *OUT[1:])
    collect.main("films", "b.parquet", *OUT[1:])
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()


def test_an_unknown_source_is_refused_with_those_there_are(project):
    with pytest.raises(Refusal) as refusal:
        collect.main("film", *OUT)
    assert refusal.value.expected == "one of places, films, answers, venues"
    assert refusal.value.do == "did you mean films?"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"path": "no.csv"},
            "where no.csv\n      do put the file there, or correct params.yaml: sources.films.collect.path",
        ),
        ({"format": "parquet"}, "expected a readable parquet table"),
        (
            {"columns": {"text": "reviw", "rating": "stars"}},
            "found key, review, stars\n"
            "   where params.yaml: sources.films.collect.columns.text\n"
            "      do did you mean review?",
        ),
        ({"sha256": "0" * 64}, "where in.csv; params.yaml: sources.films.collect.sha256"),
    ],
)
def test_a_refusal_is_one_message_and_leaves_nothing(project, more, message):
    project(**more)
    with pytest.raises(SystemExit) as stop:
        run(collect.main, ["films", *OUT])
    assert stop.value.code.startswith("refused by stages.collect films\nexpected ")
    assert message in stop.value.code
    assert not [path for folder in ("raw", "bad", "report") for path in Path(folder).glob("*")]
