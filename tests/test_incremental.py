"""A growing table, collected again and again: snapshots that only append, and old ones that stay as they were."""

import sqlite3
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import collect
from stages.files import read_json
from stages.refusal import Refusal
from stages.schema import RAW, read

ROOT = Path(__file__).parents[1]
OUT = ("raw/x.parquet", "bad/x.parquet", "report/x.json")
SECRET = "hunter2-secret"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A project whose source `films` is a table; returns how to add rows (id, text, moment)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVIEWS_DB", f"sqlite:///{tmp_path}/{SECRET}.db")
    connection = sqlite3.connect(f"{SECRET}.db")
    connection.execute("CREATE TABLE reviews (id, body, stars, at)")

    def add(*rows: tuple) -> None:
        connection.executemany("INSERT INTO reviews VALUES (?, ?, 5, ?)", rows)
        connection.commit()

    change()
    add((1, "one", "10:00"), (2, "two", "10:01"), (3, "three", "10:01"))
    yield add
    connection.close()


def change(**more) -> None:
    """Write params.yaml, some of the source's settings replaced."""
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["sources"]["films"]["collect"] = {
        "kind": "sql", "env": "REVIEWS_DB", "query": "SELECT * FROM reviews", "watermark": "at",
        "columns": {"text": "body", "rating": "stars", "id": "id"},
    } | more  # fmt: skip
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def snapshot() -> list[str]:
    collect.main("films", *OUT)
    return read(OUT[0], RAW)["text"].to_list()


def test_a_new_collect_appends_and_an_old_snapshot_stays_as_it_was(table):
    assert snapshot() == ["one", "two", "three"]
    first = Path(OUT[0]).read_bytes()
    Path("old").hardlink_to(OUT[0])  # as DVC's cache may be linked
    table((4, "four", "10:02"), (5, "five", "10:03"))
    assert snapshot() == ["one", "two", "three", "four", "five"]
    assert Path("old").read_bytes() == first
    assert read_json(OUT[2]) == {"rows_in": 5, "rows_out": 5, "rejected": {}, "kept": 3}


def test_rows_of_the_same_moment_are_neither_lost_nor_doubled(table):
    snapshot()
    table((4, "late", "10:01"), (5, "no moment", None))
    assert snapshot() == ["one", "two", "three", "no moment", "late"]
    assert snapshot() == ["one", "two", "three", "no moment", "late"]


def test_nothing_new_leaves_equal_bytes(table):
    snapshot()
    snapshot()
    before = Path(OUT[0]).read_bytes()
    snapshot()
    assert Path(OUT[0]).read_bytes() == before


def test_what_went_from_the_table_stays_in_the_snapshot_and_a_changed_row_is_told(table):
    snapshot()
    connection = sqlite3.connect(f"{SECRET}.db")
    connection.execute("DELETE FROM reviews WHERE id = 1")
    connection.execute("UPDATE reviews SET body = 'changed', at = '11:00' WHERE id = 2")
    connection.commit()
    connection.close()
    change(bad_share=0.0)
    table((4, "four", "10:30"))
    assert snapshot() == ["one", "two", "three", "four"]
    assert pl.read_parquet(OUT[1]).rows() == [("query", 2, "known_id", "(2, 'changed', 5, '11:00')")]
    assert read_json(OUT[2]) == {"rows_in": 5, "rows_out": 4, "rejected": {"known_id": 1}, "kept": 3}


@pytest.mark.parametrize(
    "more", [{"query": "SELECT * FROM reviews WHERE id > 1"}, {"columns": {"text": "at", "rating": "id", "id": "id"}}]
)
def test_another_question_is_answered_anew(table, more):
    snapshot()
    change(**more)
    snapshot()
    assert read_json(OUT[2])["kept"] == 0
    assert read(OUT[0], RAW)["text"].to_list() != ["one", "two", "three"]


def test_another_database_is_read_anew(table, tmp_path, monkeypatch):
    snapshot()
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE reviews (id, body, stars, at)")
        connection.execute("INSERT INTO reviews VALUES (1, 'other', 5, '09:00')")
    connection.close()
    monkeypatch.setenv("REVIEWS_DB", f"sqlite:///{tmp_path}/other.db")
    assert snapshot() == ["other"]


def test_without_a_watermark_a_collect_rewrites(table):
    change(watermark=None)
    assert snapshot() == ["one", "two", "three"]
    connection = sqlite3.connect(f"{SECRET}.db")
    connection.execute("DELETE FROM reviews WHERE id = 1")
    connection.commit()
    connection.close()
    assert snapshot() == ["two", "three"]
    assert "kept" not in read_json(OUT[2])


def test_a_former_snapshot_that_is_torn_is_no_ground_to_go_on_from(table):
    snapshot()
    Path(OUT[0]).write_bytes(Path(OUT[0]).read_bytes()[:-20])
    assert snapshot() == ["one", "two", "three"]


def test_a_failed_collect_leaves_the_former_snapshot(table):
    snapshot()
    before = Path(OUT[0]).read_bytes()
    change(columns={"text": "boddy", "rating": "stars", "id": "id"})
    with pytest.raises(Refusal):
        snapshot()
    assert Path(OUT[0]).read_bytes() == before


def test_a_watermark_without_order_is_refused(table):
    connection = sqlite3.connect(f"{SECRET}.db")
    connection.execute("UPDATE reviews SET at = NULL")
    connection.commit()
    connection.close()
    with pytest.raises(Refusal) as refusal:
        snapshot()
    assert refusal.value.where == "params.yaml: sources.films.collect.watermark"
    with pytest.raises(Refusal, match=r"columns\.id"):
        change(columns={"text": "body", "rating": "stars"})
        snapshot()


def test_no_part_of_the_address_is_in_anything_written(table, capsys):
    snapshot()
    table((4, "four", "10:02"))
    snapshot()
    written = b"".join(Path(path).read_bytes() for path in [*OUT, "params.yaml"])
    told = capsys.readouterr()
    assert SECRET.encode() not in written and SECRET not in told.out + told.err
    assert "collect films: 4 rows from REVIEWS_DB" in told.out
