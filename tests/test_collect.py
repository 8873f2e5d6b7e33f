"""The two kinds of source, through `main` as DVC calls it."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import collect
from stages.refusal import Refusal, run
from stages.schema import RAW, read

ROOT = Path(__file__).parents[1]


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
    collect.main("films", "raw/films.parquet")
    rows = read("raw/films.parquet", RAW)
    assert rows.select("id", "text", "rating").row(0) == ("a", "Slow start.", "4.0")
    assert rows.height == 3
    assert capsys.readouterr().out == "collect films: 3 rows from in.csv\n"


def test_the_seed_of_the_settings_draws_the_sample(project):
    project(sample=2)
    collect.main("films", "raw/films.parquet")
    assert read("raw/films.parquet", RAW).height == 2


def test_a_bundled_corpus_is_asked_for_by_name_rows_and_seed(project, monkeypatch, capsys):
    seed = yaml.safe_load(Path("params.yaml").read_text())["seed"]
    rows = pl.DataFrame([("0", None, None, "5", "Хорошо.", None)], schema=RAW, orient="row")
    monkeypatch.setattr(collect.sample, "generate", lambda *words: rows if words == ("places", 9000, seed) else None)
    collect.main("places", "raw/places.parquet")
    assert read("raw/places.parquet", RAW).equals(rows)
    assert capsys.readouterr().out == "collect places: 1 rows from places\n"


def test_equal_files_give_equal_bytes(project):
    collect.main("films", "a.parquet")
    collect.main("films", "b.parquet")
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()


def test_an_unknown_source_is_refused_with_those_there_are(project):
    with pytest.raises(Refusal) as refusal:
        collect.main("film", "raw/film.parquet")
    assert refusal.value.expected == "one of places, films"
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
        run(collect.main, ["films", "raw/films.parquet"])
    assert stop.value.code.startswith("refused by stages.collect films\nexpected ")
    assert message in stop.value.code
    assert not Path("raw").exists()
