"""Heads of people's sentences that end in a keyword."""

from stages.openers import openers

TEXTS = [
    "Пиццу ждали час. Пицца холодная!",
    "Пиццу не советую. Детская площадка чудесная",
    "Пришли на обед, пицца? Пиццей довольны.",
]


def test_heads_end_in_the_keyword_the_commonest_first():
    found = openers(TEXTS, "ru", {"пицца", "детский площадка", "час", "обед", "вкус"}, most=2)
    assert found["пицца"] == ["Пиццу", "Пицца"]
    assert found["детский площадка"] == ["Детская площадка"]
    assert found["час"] == ["Пиццу ждали час"] and found["обед"] == ["Пришли на обед"]
    assert "вкус" not in found


def test_a_mark_ends_a_head_and_only_asked_keywords_are_looked_for():
    assert openers(["Ужин, пицца и суп вкусные."], "ru", {"пицца", "ужин"}, most=2) == {"ужин": ["Ужин"]}
    assert openers(TEXTS, "ru", set(), most=2) == {}
