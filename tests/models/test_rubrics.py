"""Groups of rubrics and the margin by which a text fits its own."""

import polars as pl
import pytest

from stages.models import rubrics

CAFE = ["пицца вкусная", "официант забыл про суп", "кофе и десерт отличные", "пицца и кофе на уровне"]
WASH = ["машину помыли чисто", "мойка кузова быстрая", "пена и воск для кузова", "машина блестит после мойки"]
ROWS = pl.DataFrame({"text": CAFE * 3 + WASH * 3, "rubrics": ["Кафе;Пиццерия"] * 12 + ["Автомойка"] * 12})


def test_rubrics_that_stand_together_are_one_group():
    assert rubrics.group(["А;Б", "Б;В", "Г", None, "Г;Д"]) == {"А": 0, "Б": 0, "В": 0, "Г": 1, "Д": 1}
    assert rubrics.group([None, None]) == {}


def test_rubrics_that_meet_by_chance_stay_apart():
    rows = ["А"] * 30 + ["Б"] * 30 + ["А;Б"]
    assert len(set(rubrics.group(rows).values())) == 2


def test_a_text_fits_its_own_rubrics_better_than_foreign_ones(tmp_path):
    model, areas = rubrics.fit(ROWS, ROWS, seed=1)
    asked = ["Кафе", "Автомойка", "Пиццерия;Автомойка", "Банк", None]
    told = model.margins(asked, ["вкусная пицца"] * 5)
    assert told[0] > 0.5 and told[1] == pytest.approx(-told[0])
    assert told[2:] == [None, None, None]  # all groups asked for, none known, none asked
    assert max(areas.values()) == 1.0
    rubrics.save(model, tmp_path / "kept")
    assert rubrics.load(tmp_path / "kept").margins(asked, ["вкусная пицца"] * 5) == told


def test_a_source_without_rubrics_has_no_such_classifier():
    nothing = pl.DataFrame(
        {"text": ["a", "b"], "rubrics": [None, None]}, schema={"text": pl.String, "rubrics": pl.String}
    )
    assert rubrics.fit(nothing, nothing, seed=1) == (None, {})


def test_a_mismatch_is_of_another_group():
    groups = rubrics.group(ROWS["rubrics"].to_list())
    for own, other in zip(ROWS["rubrics"], rubrics.mismatched(ROWS["rubrics"], groups, seed=1), strict=True):
        assert other is None or other != own
