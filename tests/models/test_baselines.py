"""Cheap answers, on literals."""

import polars as pl

from stages import summaries
from stages.models.baselines import baselines, extracts, nearest_review

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
    assert list(baselines(True, TRAIN, asked((5, "кофе")))) == ["nearest_review"]


LABELLED = pl.DataFrame(
    [{"rating": 5, "prompt": "so good", "target": "positive"}] * 6
    + [{"rating": 1, "prompt": "so bad", "target": "negative"}] * 4
)


def test_labels_are_met_by_the_commonest_and_by_linear_classifiers():
    told = baselines(False, LABELLED, asked((1, "bad"), (5, "good"), (1, "bad bad")))
    assert told["majority"] == ["positive"] * 3
    assert told["tfidf_words"] == told["tfidf_characters"] == ["negative", "positive", "negative"]


def test_training_rows_of_one_label_leave_the_majority():
    assert baselines(False, LABELLED.filter(rating=5), asked((1, "bad"))) == {"majority": ["positive"]}


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
    told = {name: summaries.read(texts[0], ("суп", "люди", "цены")) for name, texts in extracts([SUMMED], 1).items()}
    assert list(told) == ["lead", "random", "lexrank"]
    for one in told.values():
        assert not one.malformed
        assert (one.parts["суп"][0], one.parts["люди"], one.parts["цены"]) == (8, (5, "Хамят."), (8, "не пишут"))
    assert told["lead"].parts["суп"][1] == "Суп остыл."
    assert told["lexrank"].parts["суп"][1] == "Суп вкусный, чай горячий."
    drawn = {extracts([SUMMED], seed)["random"][0] for seed in range(12)}
    assert len(drawn) == 3


def test_the_rule_is_a_rival_where_people_wrote_what_is_measured_against():
    row = SUMMED | {"references": [{"category": "суп", "text": "Суп как суп."}]}
    told = extracts([row, SUMMED], 1)
    assert told["rule"][0].startswith("суп: 8 | Суп остыл. | люди: 5 | Хамят.")
    assert "rule" not in extracts([SUMMED], 1)
