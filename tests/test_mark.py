"""Marking by hand: what is drawn is even, blinded and reproducible; marks are checked and set beside the judge."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from stages import mark, schema
from stages.refusal import Refusal

TABLE = "data/enriched/places.parquet"
ANSWERS = [f"data/answers/{name}.parquet" for name in ("t5-full", "t5-lora")]
JUDGE = ["data/judges/places", "data/reports/judge/places.json"]


@pytest.fixture
def drawn(in_mill, write_settings) -> pl.DataFrame:
    write_settings()
    mark.main("draw", "places", TABLE, "marks", "30", *ANSWERS)
    return pl.read_csv("marks/sheet.csv")


def filled(sheet: pl.DataFrame, **marks) -> None:
    sheet.with_columns(pl.lit(marks.get(name, 1)).alias(name) for name in mark.MARKS).write_csv("marks/sheet.csv")


def test_ratings_and_writers_are_even_and_the_sheet_does_not_tell_who_wrote(drawn):
    assert drawn["rating"].value_counts()["count"].to_list() == [6] * 5
    key = json.loads(Path("marks/key.json").read_text())
    assert {writer: key["writer"].count(writer) for writer in key["writer"]} == dict.fromkeys(
        ("people", "t5-full", "t5-lora"), 10
    )
    sheet, page = Path("marks/sheet.csv").read_text(), Path("marks/page.html").read_text()
    assert not re.search("t5-|people", sheet + page) and not any(one in sheet + page for one in key["id"])
    table = schema.read(TABLE, schema.ENRICHED)
    for number, (row, writer) in enumerate(zip(key["id"], key["writer"], strict=True)):
        if writer == "people":
            assert drawn["text"][number] == table.filter(id=row)["text"].item()


def test_the_page_shows_every_text_once_and_fetches_nothing(drawn):
    page = Path("marks/page.html").read_text()
    assert page.count("<article") == 30 and page.count('type="checkbox"') == 120
    assert not re.search(r"(src|href)=|https?:", page)


def test_a_text_cannot_become_markup(in_mill, write_settings):
    write_settings()
    answers = schema.read(ANSWERS[0], schema.ANSWERS).with_columns(answer=pl.lit("</script><b>'x'"))
    schema.write("hostile.parquet", answers, schema.ANSWERS)
    mark.main("draw", "places", TABLE, "marks", "30", "hostile.parquet")
    page = Path("marks/page.html").read_text()
    assert "<b>" not in page and page.count("</script>") == 1


def test_another_draw_is_the_same_bytes(drawn):
    first = {path.name: path.read_bytes() for path in Path("marks").iterdir()}
    mark.main("draw", "places", TABLE, "again", "30", *ANSWERS)
    assert first == {path.name: path.read_bytes() for path in Path("again").iterdir()}


def test_marks_that_are_the_judges_own_agree_fully(drawn, monkeypatch):
    wanted = [number % 3 == 0 for number in range(30)]
    filled(drawn)
    sheet = pl.read_csv("marks/sheet.csv").with_columns(fits_tone=pl.Series(wanted).cast(pl.Int8))
    sheet.write_csv("marks/sheet.csv")
    said = pl.DataFrame({name: wanted if name in ("fits_tone", "right") else [True] * 30 for name in
                         (*mark.MARKS, "right")})  # fmt: skip
    monkeypatch.setattr(mark.criteria, "verdicts", lambda signals, bounds: said)
    mark.main("read", "places", *JUDGE, "marks", "out.json")
    told = json.loads(Path("out.json").read_text())
    assert told["kappa"]["right"]["value"] == told["kappa"]["fits_tone"]["value"] == 1.0
    assert told["marked"]["right"] == told["judged"]["right"] and told["marked"]["right"]["value"] == pytest.approx(
        1 / 3
    )
    assert sum(one["marked"]["n"] for one in told["writers"].values()) == told["n"] == 30


def test_the_judge_hears_what_the_sheet_holds(drawn):
    filled(drawn)
    mark.main("read", "places", *JUDGE, "marks", "out.json")
    told = json.loads(Path("out.json").read_text())
    assert told["marked"]["right"]["value"] == 1.0 and told["kappa"]["right"]["value"] == 0.0
    assert told["writers"]["people"]["judged"]["value"] > told["writers"]["t5-lora"]["judged"]["value"]


@pytest.mark.parametrize("fault", ["empty", "a word", "no column", "no file", "a row gone", "another verb"])
def test_what_cannot_be_read_is_refused(drawn, fault):
    sheet, verb = Path("marks/sheet.csv"), "read"
    filled(drawn, fits_tone={"empty": "", "a word": "yes"}.get(fault, 1))
    if fault == "no column":
        pl.read_csv(sheet).drop("fits_tone").write_csv(sheet)
    if fault == "a row gone":
        pl.read_csv(sheet).head(29).write_csv(sheet)
    if fault == "no file":
        sheet.unlink()
    if fault == "another verb":
        verb = "reed"
    with pytest.raises(Refusal):
        mark.main(verb, "places", *JUDGE, "marks", "out.json")
    assert not Path("out.json").exists()
