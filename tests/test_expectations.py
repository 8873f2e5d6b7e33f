"""Rows as literals → the measures that the suite sees; settings → the suite; verdicts without running GX."""

from types import SimpleNamespace

import polars as pl
import pytest

from stages import expectations
from stages.expectations import checks, measures, warns
from stages.params import Validate
from stages.schema import CLEAN

RULES = {
    "rows": {"low": 1},
    "rating_share": {5: {"low": 0.5}, 1: {}},
    "rating_expected": {1: 0.25, 5: 0.25},
    "rating_divergence": 0.1,
    "chars": {"median": {"low": 3}},
    "tokens": {"p95": {"high": 9}},
    "token_limit": 3,
    "truncated_share": 0.5,
}


def rows(*texts: str | None, rating: int | None = 4) -> pl.DataFrame:
    full = [dict.fromkeys(CLEAN) | {"id": f"r{n}", "rating": rating, "text": text} for n, text in enumerate(texts)]
    return pl.DataFrame(full, schema=CLEAN)


def test_lengths_are_counted_in_characters_and_in_words_and_marks():
    table = measures(rows(" Ждали час! ", "<b>", "영화 최고", ""), token_limit=2)
    assert table["chars"].to_list() == [10, 3, 5, 0]
    assert table["tokens"].to_list() == [3, 3, 2, 0]
    assert table["truncated"].to_list() == [1, 1, 0, 0]
    assert table["chars_p95"].unique().to_list() == [10.0]


def test_each_rating_has_a_column_of_ones_and_zeros():
    table = measures(rows("a", "b", rating=4), token_limit=2)
    assert [table[f"rating_{rating}"].sum() for rating in (1, 2, 3, 4, 5)] == [0, 0, 0, 2, 0]


def test_ids_are_numbered_so_that_equal_ones_stay_equal():
    given = rows("a", "b", "c").with_columns(id=pl.Series(["<x>", "y", "<x>"]))
    ids = measures(given, token_limit=2)["id"].to_list()
    assert ids[0] == ids[2] != ids[1]


def test_no_text_is_among_the_measures():
    assert not any(kind == pl.String for kind in measures(rows("a"), token_limit=2).schema.values())


def test_a_null_is_a_measure_that_fails_rather_than_one_passed_over():
    table = measures(rows(None, rating=None), token_limit=2)
    assert table.select("rating", "chars", "tokens", "truncated").rows() == [(0, 0, 0, 0)]
    assert sum(table.null_count().row(0)) == 0


def test_the_suite_holds_what_the_settings_name_and_what_every_table_must_meet():
    suite = checks(Validate(**RULES), "a")
    assert {check.name: check.address for check in suite} == {
        "rows": "a.rows",
        "unique_id": "stages/expectations.py",
        "nonempty_text": "stages/expectations.py",
        "rating_known": "stages/expectations.py",
        "ratings": "stages/expectations.py",
        "rating_divergence": "a.rating_divergence",
        "truncated_share": "a.truncated_share",
        "rating_share.1": "a.rating_share.1",
        "rating_share.5": "a.rating_share.5",
        "chars.median": "a.chars.median",
        "tokens.p95": "a.tokens.p95",
    }
    partition = next(check for check in suite if check.name == "rating_divergence").expectation.partition_object
    assert partition == {"values": [1, 2, 3, 4, 5], "weights": [0.5, 0, 0, 0, 0.5]}, "shares that sum to 1"


@pytest.mark.parametrize(
    ("name", "warning", "answer"),
    [
        ("tokens.p95", ("tokens.p95",), True),
        ("tokens.p95", ("tokens",), True),
        ("tokens.p95", ("tokens.p9",), False),
        ("tokens", ("tokens.p95",), False),
        ("rows", (), False),
    ],
)
def test_a_warning_names_an_expectation_or_its_family(name, warning, answer):
    assert warns(name, warning) is answer


@pytest.mark.parametrize(
    ("result", "passed"),
    [
        (SimpleNamespace(success=True, result={"observed_value": 5}), True),
        (SimpleNamespace(success=True, result={"unexpected_count": 0}), True),
        (SimpleNamespace(success=False, result={"observed_value": 5}), False),
        (SimpleNamespace(success=True, result={}), False),
        (SimpleNamespace(success=True, result={"observed_value": float("nan")}), False),
        (None, False),
    ],
)
def test_only_a_success_with_a_value_is_passed(result, passed):
    check = checks(Validate(**RULES), "a")[0]
    assert expectations._verdict(check, result, ())["passed"] is passed
