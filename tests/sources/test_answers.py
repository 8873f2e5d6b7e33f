"""The synthetic answers: marks follow from the points made, a guide says so, three questions are for testing alone."""

import functools
import re

import polars as pl
import pytest

from stages.schema import RAW
from stages.sources import dirt
from stages.sources.answers import SHARES, compose, guide
from stages.sources.answers_questions import LINKS, OPENINGS, QUESTIONS, VAGUE
from stages.sources.grammar import CHOICE
from stages.sources.sample import generate

SEED, ROWS = 20261121, 2000


@functools.cache
def raw() -> pl.DataFrame:
    return generate("answers", ROWS, SEED)


def forms(templates: tuple[str, ...]) -> re.Pattern:
    """Any clause that the templates can give, however it begins and wherever spaces stand."""
    some = []
    for template in templates:
        parts = re.split(CHOICE, template)
        written = "".join(
            f"(?:{'|'.join(map(re.escape, part.split('/')))})" if n % 2 else re.escape(part)
            for n, part in enumerate(parts)
        )
        some.append(re.sub(r"(?:\\ )+", r" *", written))
    return re.compile("|".join(some), re.IGNORECASE)


def test_the_seed_decides_every_byte_and_the_columns_are_the_raw_ones():
    assert generate("answers", 300, 1).equals(generate("answers", 300, 1)) and raw().schema == RAW
    assert not generate("answers", 300, 2)["text"].equals(generate("answers", 300, 1)["text"])
    assert raw().height == raw()["id"].n_unique() == ROWS and raw()["id"][0] == "a000001"
    assert raw()["group"].null_count() == raw()["rubrics"].null_count() == ROWS


def test_every_question_has_a_guide_whose_worths_make_a_whole_mark():
    assert len(QUESTIONS) == 12 and len({one.text for one in QUESTIONS}) == 12
    for one in QUESTIONS:
        assert 3 <= len(one.points) <= 4 and sum(point.quarters for point in one.points) == 4
        assert len(re.findall(r"\d\. ", guide(one))) == len(one.points)
        assert guide(one).count("(half the mark)") == sum(point.quarters == 2 for point in one.points)


def test_three_questions_are_asked_in_test_rows_alone():
    found = dict(raw().group_by("question").agg(pl.col("split").unique().sort()).iter_rows())
    assert {one.text: ["test"] if one.unseen else ["test", "train"] for one in QUESTIONS} == found
    assert sum(one.unseen for one in QUESTIONS) == 3


def test_the_mark_is_the_sum_of_the_points_that_are_in_the_text():
    import random

    rng = random.Random(4)
    for question in QUESTIONS:
        said = {point: forms(point.said) for point in question.points}
        for quarters in SHARES:
            for _ in range(8):
                text = compose(rng, question, quarters)
                assert sum(point.quarters for point, way in said.items() if way.search(text)) == quarters, text


def test_each_answer_is_written_once_but_for_the_planted_copies():
    plain = pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars()
    told = raw().filter(pl.col("text").str.len_chars() > 5).select("question", plain)
    assert told.height - told.n_unique() == dirt.planted("answers", ROWS)["duplicate"]


def test_no_template_shows_through():
    clean = raw().filter(~pl.col("text").fill_null("").str.contains(r"[<&\x{fffd}]|  |https?|Ã|â|Р"))
    assert clean.height > 0.9 * ROWS
    shown = clean.filter(pl.col("text").str.contains(r"[<>\[\]|{}/]|\.\.| [.,;]"))
    assert shown.is_empty(), shown["text"].to_list()[:3]


@pytest.mark.parametrize("clauses", [VAGUE, *(one.wrong for one in QUESTIONS)])
def test_what_earns_nothing_makes_no_point(clauses):
    ways = [forms(point.said) for one in QUESTIONS for point in one.points]
    import random

    from stages.sources.grammar import expand

    rng = random.Random(1)
    for clause in clauses:
        for _ in range(4):
            assert not any(way.search(expand(rng, clause)) for way in ways)
    assert LINKS and OPENINGS
