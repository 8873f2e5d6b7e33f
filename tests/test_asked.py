"""What a row of anybody's file is made into, and what is said of one that cannot be asked."""

import pytest
from small_mill import ROOT

from stages import asked, params, tasks

GATHER = {"categories": {"еда": ["суп"], "люди": ["официант"]}, "silent": "не пишут", "reviews": 3}
ROWS = params.Rows.model_validate({"from": "places", "gather": GATHER})


def fit(row: dict, task: str) -> dict:
    return asked.fit(row, task, ROWS, "ru")


def test_every_task_says_what_its_prompt_reads():
    class Watched(dict):
        def __init__(self, row):
            super().__init__(row)
            self.read = set()

        def __getitem__(self, key):
            self.read.add(key)
            return super().__getitem__(key)

    given = {"rating": 2, "rubrics": "Кафе", "keywords": ["суп"], "text": "Суп остыл.", "question": "Why?",
             "guide": "1. This.", "reviews": [{"rating": 5, "text": "Суп хорош."}]}  # fmt: skip
    assert set(asked.NEEDED) == set(tasks.TASKS)
    for name in tasks.TASKS:
        fitted = Watched(fit(given, name))
        tasks.load(name).prompt(fitted)
        assert fitted.read <= set(fitted)
        if name != "review_summary":  # whose categories the recipe has
            assert fitted.read == set(asked.columns(name))


@pytest.mark.parametrize(
    ("task", "row", "fitted"),
    [
        ("sentiment_label", {"text": " <b>Fine</b>&nbsp;film ", "id": 7}, {"text": "Fine film"}),
        ("sentiment_text", {"text": "mail me@example.org now"}, {"text": "mail [email] now"}),
        ("sentiment_label", {"text": "so so<pad> | rating 5"}, {"text": "so so‹pad› / rating 5"}),
        ("review_generation", {"rating": "2"}, {"rating": 2, "rubrics": "", "keywords": []}),
        (
            "review_generation",
            {"rating": 5.0, "rubrics": ["Кафе", "Бар"], "keywords": "Суп, хлеб, суп,"},
            {"rating": 5, "rubrics": "Кафе;Бар", "keywords": ["суп", "хлеб"]},
        ),
        (
            "review_generation",
            {"rating": 1, "keywords": ["<pad>", "a | rating 5"]},
            {"rating": 1, "rubrics": "", "keywords": ["‹pad›", "a / rating 5"]},
        ),
    ],
)
def test_a_row_is_made_plain_as_training_rows_were(task, row, fitted):
    assert fit(row, task) == fitted


@pytest.mark.parametrize(
    ("task", "row", "said"),
    [
        ("sentiment_label", {}, "no text"),
        ("sentiment_label", {"text": None}, "no text"),
        ("sentiment_label", {"text": "  "}, "text: nothing in it that could be read"),
        ("sentiment_label", {"text": "\u200b\u200b"}, "text: nothing in it that could be read"),
        ("sentiment_label", {"text": 5}, "text is a number, not text"),
        ("sentiment_label", {"text": ["a"]}, "text is a list, not text"),
        ("sentiment_label", {"text": "\udc80bad"}, "text is not UTF-8"),
        ("sentiment_label", {"text": "bad \ufffd\ufffd bad"}, "text: read in a wrong encoding; save the file as UTF-8"),
        ("review_generation", {"rating": "6"}, "rating is 6: a whole number from 1 to 5 is wanted"),
        ("review_generation", {"rating": True}, "rating is True: a whole number from 1 to 5 is wanted"),
        ("review_generation", {"rating": ""}, "rating is empty: a whole number from 1 to 5 is wanted"),
        ("review_generation", {"rating": 3, "keywords": 4}, "keywords is a number, not a list or words between commas"),
        ("review_generation", {"rating": 3, "keywords": "a,b,c,d,e,f,g"}, "7 keywords: 6 at most"),
        ("answer_score", {"question": "Why?", "text": "So."}, "no guide"),
        (
            "answer_score",
            {"question": "", "guide": "1.", "text": ""},
            "question, text: nothing in it that could be read",
        ),
        ("review_summary", {"reviews": 5}, "reviews is a number, not a list or a text"),
        ("review_summary", {"reviews": []}, "reviews: none in it that could be read"),
        ("review_summary", {"reviews": [{"stars": 5}]}, "review 1 is an object, not {rating, text}"),
        (
            "review_summary",
            {"reviews": [{"rating": 9, "text": "a"}]},
            "rating is 9: a whole number from 1 to 5 is wanted",
        ),
    ],
)
def test_what_is_wrong_with_a_row_is_said(task, row, said):
    with pytest.raises(asked.Unfit) as unfit:
        fit(row, task)
    assert str(unfit.value) == said


def test_reviews_come_a_line_each_with_their_stars_where_they_have_some():
    row = fit({"reviews": "5 Суп хорош.\n1★ Официант груб. Ждали.\n\nПросто зал."}, "review_summary")
    assert [one["rating"] for one in row["reviews"]] == [5, 1, 3]
    assert [one["text"] for one in row["reviews"]] == ["Суп хорош.", "Официант груб. Ждали.", "Просто зал."]
    assert [(one["category"], one["review"], one["text"]) for one in row["sentences"]] == [
        ("еда", 0, "Суп хорош."), ("люди", 1, "Официант груб."), ("", 1, "Ждали."), ("", 2, "Просто зал."),
    ]  # fmt: skip
    assert (row["categories"], row["silent"]) == (["еда", "люди"], "не пишут")


def test_a_sentence_that_reads_like_a_head_is_in_no_category():
    gather = GATHER | {"categories": {"цены": ["цена"]}, "reviews": 9}
    rows = params.Rows.model_validate({"from": "places", "gather": gather})
    row = asked.fit({"reviews": "3 цены: 7\n3 цены : 12\n3 Вот цены: 7\n3 цены: 7 из 10"}, "review_summary", rows, "ru")
    assert [(one["category"], one["text"]) for one in row["sentences"]] == [
        ("", "цены: 7"), ("", "цены : 12"), ("цены", "Вот цены: 7"), ("цены", "цены: 7 из 10"),
    ]  # fmt: skip


def test_no_more_reviews_are_read_than_the_recipe_reads():
    row = fit({"reviews": [{"rating": 4, "text": f"Отзыв {at}"} for at in range(9)]}, "review_summary")
    assert [one["text"] for one in row["reviews"]] == ["Отзыв 0", "Отзыв 1", "Отзыв 2"]


def test_the_columns_that_are_read_stand_in_the_help():
    assert ROOT.joinpath("stages/answer.py").read_text().count("--columns text=review")
