"""Checks → which rows fail them, which only warn; verdicts → what a person reads. GX itself runs in test_validate."""

import doctest

import polars as pl
import pytest

from stages import front
from stages.expectations import Check, told, warns


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
    ("kind", "high", "rows"),
    [("none", 0, [1]), ("share", 0.9, [1]), ("max", 2.5, [3]), ("max", None, None), ("mean", 0, None)],
)
def test_rows_at_fault_are_those_of_a_fault_or_beyond_a_maximum(kind, high, rows):
    failing = Check("a", kind, "value", None, high, "rows", "here").failing()
    assert (failing is not None) == (rows is not None)
    if rows:
        assert pl.DataFrame({"value": [0, 1, 2, 3]}).filter(failing)["value"].to_list() == rows


def test_a_verdict_is_told_in_one_line_with_its_bound_and_where_it_is_set():
    verdict = {
        "name": "rows",
        "observed": 12.0,
        "unit": "rows",
        "bound": {"low": 20, "high": None},
        "address": "a.rows",
    }
    assert told([verdict]) == "\n      - rows: observed 12 rows, bound 20 to ∞; a.rows"
    nothing = verdict | {"observed": None, "bound": {"low": None, "high": 0.25}}
    assert told([nothing]) == "\n      - rows: nothing could be observed rows, bound -∞ to 0.25; a.rows"


def test_a_bound_in_words_is_as_its_docstring_says():
    assert doctest.testmod(front).failed == 0
