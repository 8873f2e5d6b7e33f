"""A summary as text: what is written is read back, and what is out of form is seen to be."""

import pytest

from stages.summaries import by_rule, merged, read, scored, short, write

NAMES = ("еда", "люди")
WHOLE = {"еда": (8, "Плов чудесный."), "люди": (0, "Хамят.")}


def test_what_is_written_is_read_back():
    assert read(write(WHOLE), NAMES).parts == WHOLE
    assert read(write({"еда": (10, "а | б"), "люди": (1, "в")}), NAMES).parts["еда"] == (10, "а / б")


@pytest.mark.parametrize(
    ("text", "repeated", "parts"),
    [
        ("люди: 0 | Хамят. | еда: 8 | Плов.", 0, {"люди": (0, "Хамят."), "еда": (8, "Плов.")}),  # out of order
        ("еда: 8 | Плов.", 0, {"еда": (8, "Плов.")}),
        ("еда: 8 | Плов. | еда: 7 | Суп. | люди: 0 | Хамят.", 1, {"еда": (8, "Плов."), "люди": (0, "Хамят.")}),
        ("еда: 11 | Плов. | люди: 0 | Хамят.", 0, {"люди": (0, "Хамят.")}),
        ("еда: 8 | люди: 0 | Хамят.", 0, {"люди": (0, "Хамят.")}),
        ("еда: 8 |  | люди: 0 | Хамят.", 0, {"люди": (0, "Хамят.")}),
        ("еда: 8 | Плов. | люди: 0 |", 0, {"еда": (8, "Плов.")}),
        ("сад: 8 | Цветы. | люди: 0 | Хамят.", 0, {"люди": (0, "Хамят.")}),
        ("Плов чудесный, люди хамят.", 0, {}),
        ("", 0, {}),
        ("еда: 8 | Плов. | люди: 0 | Хамят. | ещё", 0, {"еда": (8, "Плов."), "люди": (0, "Хамят.")}),
    ],
)
def test_what_is_out_of_form_is_malformed_and_read_as_far_as_it_goes(text, repeated, parts):
    told = read(text, NAMES)
    assert (told.malformed, told.repeated, told.parts) == (True, repeated, parts)


def test_a_number_of_a_thousand_digits_is_no_score():
    assert read(f"еда: {'9' * 5000} | Плов. | люди: 1 | х", NAMES).malformed


@pytest.mark.parametrize(("ratings", "score"), [([5], 10), ([1], 0), ([4], 8), ([3, 3], 5), ([1, 2], 1), ([5, 4], 9)])
def test_a_score_is_the_mean_rating_of_ten(ratings, score):
    assert scored(ratings) == score


def said(*rows: tuple[str, int, str]) -> list[dict]:
    return [{"category": c, "rating": r, "text": t} for c, r, t in rows]


def test_the_rule_takes_the_central_sentence_of_the_tone_of_the_mean():
    own = said(
        ("еда", 1, "Плов, чай, десерт, вкусный"), ("еда", 5, "Плов вкусный"), ("еда", 5, "Вкусный плов, чай, десерт"),
        ("еда", 5, "Чай, десерт"), ("", 1, "Плов плов"),
    )  # fmt: skip
    parts = by_rule(own, NAMES, "не пишут", [5, 1, 3])
    assert parts["еда"] == (8, "Вкусный плов, чай, десерт"), "the central one, but not of the one unhappy review"
    assert parts["люди"] == (5, "не пишут"), "a category nobody speaks of says so, with the mean of all reviews"
    torn = said(("еда", 5, "Плов хорош"), ("еда", 1, "Плов плох"))
    assert by_rule(torn, ("еда",), "нет", [3])["еда"][0] == 5, "no sentence has the tone of the mean: all may speak"


def test_long_sentences_stand_back_where_there_is_a_short_one():
    long, brief = said(("еда", 5, "плов " * 60), ("еда", 5, "Плов."))
    assert short([long, brief]) == [brief] and short([long]) == [long]


def test_chunks_are_joined_by_mean_score_and_central_text():
    chunks = [
        {"еда": (10, "Плов вкусный"), "люди": (5, "не пишут")},
        {"еда": (7, "Вкусный плов, чай"), "люди": (2, "Хамят")},
        {"еда": (6, "Темно")},
    ]
    whole = merged(chunks, (*NAMES, "цены"), "не пишут")
    assert whole["еда"] == (8, "Вкусный плов, чай") or whole["еда"] == (8, "Плов вкусный")
    assert whole["люди"] == (2, "Хамят"), "a chunk that heard nothing has no say"
    assert whole["цены"] == (5, "не пишут")
