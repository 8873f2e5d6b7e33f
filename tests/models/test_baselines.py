"""Cheap answers, on literals."""

import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from stages import summaries
from stages.models.baselines import baselines, extracts, nearest_review, overlaps

TRAIN = pl.DataFrame(
    {
        "rating": [5, 5, 1, 1, 1],
        "prompt": ["кофе", "пицца", "кофе, счёт", "пицца", "суп"],
        "target": ["Кофе чудесный.", "Пицца чудесная.", "Кофе остыл, счёт велик.", "Пицца сгорела.", "Суп пуст."],
    }
)


def asked(*rows: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame({"rating": [r for r, _ in rows], "prompt": [p for _, p in rows], "target": [""] * len(rows)})


def test_nearest_review_is_the_obvious_one_of_the_same_rating():
    test = asked((1, "пицца"), (5, "пицца"), (1, "счёт, кофе"), (5, "суп, кофе"))
    assert nearest_review(TRAIN, test) == [
        "Пицца сгорела.", "Пицца чудесная.", "Кофе остыл, счёт велик.", "Кофе чудесный."
    ]  # fmt: skip


def test_where_no_training_review_has_the_rating_all_are_looked_through():
    assert nearest_review(TRAIN, asked((3, "суп"), (1, "кофе"))) == [
        "Суп пуст.", "Кофе остыл, счёт велик."
    ]  # fmt: skip


def test_free_text_is_met_by_the_nearest_review_alone():
    assert list(dict(baselines(True, TRAIN, asked((5, "кофе"))))) == ["nearest_review"]


LABELLED = pl.DataFrame(
    [{"rating": 5, "prompt": "so good", "target": "positive"}] * 6
    + [{"rating": 1, "prompt": "so bad", "target": "negative"}] * 4
)


def test_labels_are_met_by_the_commonest_and_by_linear_classifiers():
    told = dict(baselines(False, LABELLED, asked((1, "bad"), (5, "good"), (1, "bad bad"))))
    assert told["majority"] == ["positive"] * 3
    assert told["tfidf_words"] == told["tfidf_characters"] == ["negative", "positive", "negative"]


def test_training_rows_of_one_label_leave_the_majority():
    assert dict(baselines(False, LABELLED.filter(rating=5), asked((1, "bad")))) == {"majority": ["positive"]}


# --- marks -----------------------------------------------------------------------------------------------------------

GUIDE = {"why": "cold water shrinks", "how": "a sorted list is halved"}
SAID = {"why": ("cold water shrinks", "magic"), "how": ("the sorted list is halved", "magic wand")}


def marked(*rows: tuple[str, int]) -> pl.DataFrame:
    """(question, 0 right or 1 wrong) → rows as a task with marks gives them."""
    table = [
        {"question": q, "guide": GUIDE[q], "text": SAID[q][n], "mark": 1.0 - n, "target": str(1 - n)} for q, n in rows
    ]
    return pl.DataFrame(table)


def test_marks_are_met_by_the_commonest_and_by_two_ridges():
    train = marked(*[("why", 0)] * 12, *[("why", 1)] * 8)
    told = dict(baselines(False, train, marked(("why", 0), ("why", 1), ("how", 0), ("how", 1))))
    assert list(told) == ["majority", "tfidf_ridge", "overlap_ridge"] and told["majority"] == ["1"] * 4
    words, overlap = ([float(one) for one in told[kind]] for kind in ("tfidf_ridge", "overlap_ridge"))
    assert words[:2] == pytest.approx([1, 0], abs=0.2) and overlap[:2] == pytest.approx([1, 0], abs=0.2)
    assert overlap[2] - overlap[3] > 0.5, "what overlaps with the guide is right, whatever the question"


def test_overlaps_are_shares_of_words():
    rows = marked(("why", 0), ("how", 0), ("why", 1))
    weight = TfidfVectorizer(token_pattern=r"\w+").fit([*rows["text"], *rows["guide"]])
    found = overlaps(rows, weight)
    assert found.shape == (3, 6)
    assert found[0].tolist() == pytest.approx([1, 1, 1, 0, 1.0986, 1], abs=1e-4)
    assert found[1, 1:4].tolist() == pytest.approx([0.8, 0.8, 0])
    assert found[2].tolist() == pytest.approx([0, 0, 0, 0, 0, 1 / 3])


SUMMED = {
    "categories": ["суп", "люди", "цены"],
    "silent": "не пишут",
    "references": [],
    "reviews": [{"rating": 5, "text": ""}, {"rating": 3, "text": ""}],
    "sentences": [
        {"category": "суп", "rating": 5, "review": 0, "text": "Суп остыл."},
        {"category": "суп", "rating": 5, "review": 0, "text": "Суп вкусный, чай горячий."},
        {"category": "суп", "rating": 3, "review": 1, "text": "Вкусный, горячий."},
        {"category": "люди", "rating": 3, "review": 1, "text": "Хамят."},
    ],
}


def test_extracts_are_sentences_of_the_category_with_its_mean_score():
    told = {name: summaries.read(texts[0], ("суп", "люди", "цены")) for name, texts in extracts([SUMMED], 1)}
    assert list(told) == ["lead", "random", "lexrank"]
    for one in told.values():
        assert not one.malformed
        assert (one.parts["суп"][0], one.parts["люди"], one.parts["цены"]) == (8, (5, "Хамят."), (8, "не пишут"))
    assert told["lead"].parts["суп"][1] == "Суп остыл."
    assert told["lexrank"].parts["суп"][1] == "Суп вкусный, чай горячий."
    drawn = {dict(extracts([SUMMED], seed))["random"][0] for seed in range(12)}
    assert len(drawn) == 3


def test_the_rule_is_a_rival_where_people_wrote_what_is_measured_against():
    row = SUMMED | {"references": [{"category": "суп", "text": "Суп как суп."}]}
    told = dict(extracts([row, SUMMED], 1))
    assert told["rule"][0].startswith("суп: 8 | Суп остыл. | люди: 5 | Хамят.")
    assert "rule" not in dict(extracts([SUMMED], 1))
