"""Forms of keywords at the head of people's sentences."""

from stages.openers import openers

TEXTS = [
    "Пиццу ждали час. Пицца холодная!",
    "Пиццу не советую. Детская площадка чудесная",
    "Вкусная пицца? Пиццей довольны.",
]


def test_forms_come_from_the_heads_of_sentences_the_commonest_first():
    found = openers(TEXTS, "ru", {"пицца", "детский площадка", "площадка", "час", "вкусный"}, most=2)
    assert found["пицца"][0] == "Пиццу" and len(found["пицца"]) == 2
    assert found["детский площадка"] == ["Детская площадка"]
    assert found["вкусный"] == ["Вкусная"]
    assert "час" not in found and "площадка" not in found  # never at the head


def test_only_keywords_that_are_asked_for_are_looked_for():
    assert openers(TEXTS, "ru", set(), most=2) == {}
