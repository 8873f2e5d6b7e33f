"""People's reviews with one fault each."""

import polars as pl

from stages.broken import FAULTS, broken
from stages.stars import tone

ROWS = pl.DataFrame(
    {
        "rating": [1, 3, 5],
        "rubrics": ["Кафе", "Банк", "Парк"],
        "keywords": [["пицца"], ["касса"], []],
        "text": [
            "Пиццу ждали час, официант нагрубил всем нам.",
            "Касса работала.",
            "Гуляли тут целый день, всем довольны!",
        ],
    },
    schema_overrides={"rating": pl.Int8},
)


def test_each_fault_changes_one_thing():
    made = broken(ROWS, ["Банк", None, "Кафе"], language="ru", seed=1)
    assert set(made) == set(FAULTS)
    asked, texts = made["wrong_rating"]
    assert all(tone(a) != tone(b) for a, b in zip(asked["rating"], ROWS["rating"], strict=True))
    assert texts == ROWS["text"].to_list() and asked.drop("rating").equals(ROWS.drop("rating"))
    asked, texts = made["wrong_rubric"]
    assert asked["rubrics"].to_list() == ["Банк", "Кафе"] and texts == [ROWS["text"][0], ROWS["text"][2]]
    asked, texts = made["missing_keywords"]
    assert texts == asked["text"].to_list()
    for row in asked.iter_rows(named=True):
        own = ROWS.filter(text=row["text"])["keywords"][0]
        assert row["keywords"] and not set(row["keywords"]) & set(own)
    asked, texts = made["shuffled_words"]  # the short text is left out
    assert asked.height == 2 and [sorted(t.split()) for t in texts] == [sorted(t.split()) for t in asked["text"]]
    halves = [text.split()[len(text.split()) // 2 :] for text in asked["text"]]
    for text, whole in zip(made["spliced"][1], asked["text"], strict=True):
        words = whole.split()
        start = words[: len(words) // 2]
        assert text.split()[: len(start)] == start and text.split()[len(start) :] in halves
    assert made["cut_short"][1] == ["Пиццу ждали час, официант", "Гуляли тут целый день"]
    assert made["repeated"][1][1] == "Гуляли тут целый день, всем довольны! Гуляли тут целый день, всем довольны!"


def test_the_same_seed_breaks_the_same_way():
    first, second = (broken(ROWS, [None] * 3, language="ru", seed=2) for _ in range(2))
    assert all(first[fault][1] == second[fault][1] for fault in FAULTS)
    assert first["wrong_rubric"][1] == []


def test_a_wrong_form_is_another_form_of_one_word():
    rows = ROWS.with_columns(
        text=pl.Series(["Мы ждали свою пиццу целый час.", "Вкусная пицца", "Тут готовят отменную пиццы и суп"])
    )
    asked, texts = broken(rows, [None] * 3, language="ru", seed=1)["wrong_form"]
    assert asked.height == 2  # the short text is left out
    assert texts == ["Мы ждали свою пиццы целый час.", "Тут готовят отменную пиццу и суп"]
