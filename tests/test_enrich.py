"""Valid rows as literals → their keywords and the account of them; and the command line, as DVC calls it."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import blocks
from stages import enrich as stage
from stages.enrich import enrich
from stages.params import Enrich
from stages.refusal import Refusal
from stages.schema import CLEAN, ENRICHED, read, write

ROOT = Path(__file__).parents[1]
RULES = {"language": "ru", "keywords": 2, "max_share": 0.9}
WORDS = ["places", "valid.parquet", "out/enriched.parquet", "out/report.json"]
TEXTS = ["Пиццу ждали, официант забыл.", "Официанты и пицца.", "Пицца, суп.", "Хорошо!"]


def rows(*texts: str, test: int = 0) -> pl.DataFrame:
    """Rows to train on, the last `test` of them to test with."""
    splits = ["train"] * (len(texts) - test) + ["test"] * test
    full = [
        {"id": f"r{n}", "group": "g", "rubrics": "Суп", "rating": 5, "text": text, "split": split}
        for n, (text, split) in enumerate(zip(texts, splits, strict=True))
    ]
    return pl.DataFrame(full, schema=CLEAN)


def test_the_rows_gain_keywords_and_nothing_else():
    table, _ = enrich(rows(*TEXTS), Enrich(**RULES))
    assert table.schema == ENRICHED
    assert table.drop("keywords").equals(rows(*TEXTS))
    assert table["keywords"].to_list() == [["пицца", "официант"], ["официант", "пицца"], ["пицца"], []]


def test_the_account_counts_them():
    _, account = enrich(rows(*TEXTS), Enrich(**RULES))
    assert account == {
        "rows_in": 4,
        "rows_out": 4,
        "rejected": {},
        "language": "ru",
        "method": "pymorphy3",
        "grounded": 1.0,
        "coverage": 0.75,
        "mean_keywords": 1.25,
        "max_share": 0.75,
        "top": [["пицца", 3], ["официант", 2]],
    }


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("ru", TEXTS),
        ("en", ["Zombies and a sister", "Two zombies"]),
        ("ko", ["배우의 연기", "연기와 배우"]),
        ("de", ["Kalte Pizza", "Pizza"]),
    ],
)
def test_every_keyword_is_in_its_text(language, texts):
    table, account = enrich(rows(*texts), Enrich(**RULES | {"language": language, "max_share": 1.0}))
    assert account["grounded"] == 1.0
    assert account["mean_keywords"] > 0
    assert any(table["keywords"].to_list())


@pytest.mark.parametrize(("language", "method"), [("ru", "pymorphy3"), ("de", "fallback")])
def test_the_account_says_how(language, method):
    assert enrich(rows(*TEXTS), Enrich(**RULES | {"language": language}))[1]["method"] == method


@pytest.mark.parametrize(("word", "value"), [("language", "russian"), ("language", "R1"), ("keywords", 7)])
def test_a_setting_that_means_nothing_is_refused(word, value):
    with pytest.raises(ValueError, match=word):
        Enrich(**RULES | {word: value})


@pytest.mark.parametrize(("given", "found"), [([], "4 rows in, 0 out"), ([pl.Series([["пицца"]])], "4 rows in, 1 out")])
def test_a_row_that_goes_missing_is_an_error(monkeypatch, given, found):
    monkeypatch.setattr(stage, "stream", lambda *words, **more: iter(given))
    with pytest.raises(RuntimeError, match=found):
        enrich(rows(*TEXTS), Enrich(**RULES))


def test_test_rows_have_no_say():
    table, _ = enrich(rows("суп и плов", "плов и чай", "чай", "чай", test=2), Enrich(**RULES | {"max_share": 1.0}))
    assert table["keywords"].to_list() == [["плов"], ["плов"], [], []]


def test_no_keywords_at_all_are_none_that_is_out_of_place():
    _, account = enrich(rows("Хорошо!"), Enrich(**RULES))
    assert (account["grounded"], account["mean_keywords"], account["coverage"], account["max_share"]) == (
        1.0,
        0.0,
        0.0,
        0.0,
    )


# --- main ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["sources"]["places"]["enrich"] = RULES
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_main_writes_the_table_and_its_account_and_the_same_again(project, capsys):
    write("valid.parquet", rows(*TEXTS), CLEAN)
    stage.main(*WORDS)
    assert capsys.readouterr().out == (
        "enrich places: 4 rows, 1.2 keywords each, 75.0% of rows have one, 100.0% of keywords are in their text\n"
    )
    assert read("out/enriched.parquet", ENRICHED)["keywords"][0].to_list() == ["пицца", "официант"]
    assert json.loads(Path("out/report.json").read_text())["top"] == [["пицца", 3], ["официант", 2]]
    before = [Path(word).read_bytes() for word in WORDS[2:]]
    stage.main(*WORDS)
    assert [Path(word).read_bytes() for word in WORDS[2:]] == before


@pytest.mark.parametrize(("block", "workers"), [(1, 1), (3, 2)])
def test_blocks_and_workers_leave_the_same_bytes(project, monkeypatch, block, workers):
    """Of more rows than a row group holds, too."""
    monkeypatch.setattr(blocks, "GROUP", 5)
    write("valid.parquet", rows(*TEXTS * 3), CLEAN)
    stage.main(*WORDS)
    before = [Path(word).read_bytes() for word in WORDS[2:]]
    settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    settings["sources"]["places"]["enrich"] |= {"block": block, "workers": workers}
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    stage.main(*WORDS)
    assert [Path(word).read_bytes() for word in WORDS[2:]] == before


def test_a_fallback_is_said_aloud(project, capsys):
    settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    settings["sources"]["places"]["enrich"] = RULES | {"language": "de"}
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    write("valid.parquet", rows("Kalte Pizza", "Pizza"), CLEAN)
    stage.main(*WORDS)
    assert "de has no lemmatiser here: plain word forms" in capsys.readouterr().out


def test_an_empty_table_is_refused(project):
    write("valid.parquet", rows(), CLEAN)
    with pytest.raises(Refusal) as refusal:
        stage.main(*WORDS)
    assert (refusal.value.found, refusal.value.do) == ("none", "dvc repro validate@places")
    assert not Path("out").exists()
