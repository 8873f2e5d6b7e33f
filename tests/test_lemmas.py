"""Texts as literals → the lemmas of their words, in order."""

import doctest

import polars as pl
import pytest

from stages import lemmas, parts
from stages.lemmas import MARK, Words, lemmas_of, method_of, said_in
from stages.parts import MODIFIER, NOUN


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("ru", "Пиццу ждали час", ["пицца", "ждать", "час"]),
        ("ru", "Wi-Fi за 100 руб", ["wi-fi", "за", "100", "руб"]),
        ("ru", "Звоните [phone]!", ["звонить", "[phone]"]),
        ("en", "Two movies", ["two", "movie"]),
        ("en", "cities boxes watches heroes glasses houses", ["city", "box", "watch", "hero", "glass", "house"]),
        ("en", "The ending of wolves; he acted", ["the", "ending", "of", "wolf", "he", "act"]),
        ("en", "Paris kiss bus series Thomas women", ["paris", "kiss", "bus", "series", "thomas", "woman"]),
        ("ko", "배우가 좋다", ["배우", "가", "좋", "다"]),
        ("ko", "iPhone", ["iphone"]),
        ("de", "Zwei Filme, Ärger [email]", ["zwei", "filme", "ärger", "[email]"]),
        ("ru", "", []),
        ("en", "...", []),
        ("ko", "", []),
    ],
)
def test_lemmas_are_the_words_of_the_dictionary_in_order(language, text, found):
    assert lemmas_of([text], language) == [found]


def test_the_docstring_says_so_too():
    assert all(doctest.testmod(noun).failed == 0 for noun in (lemmas, parts))


def test_texts_keep_their_places_and_a_text_without_words_its_own():
    assert lemmas_of(["", "Пиццу", "!", "ждали"], "ru") == [[], ["пицца"], [], ["ждать"]]


def test_what_a_text_says_is_its_lemmas_and_its_neighbours():
    assert said_in(["Детская площадка", ""], "ru") == [{"детский", "площадка", "детский площадка"}, set()]


@pytest.mark.parametrize(
    ("language", "method"), [("ru", "pymorphy3"), ("ko", "kiwipiepy"), ("en", "hanta"), ("de", "fallback")]
)
def test_the_method_is_said(language, method):
    assert method_of(language) == method


def test_words_keep_their_numbers_from_one_block_to_the_next():
    words = Words("ru")
    first, second = (words.read(pl.Series([text])) for text in ("Детская площадка!", "Площадка, детская"))
    assert first["lemma"].to_list() == [1, 2, MARK]
    assert second["lemma"].to_list() == [2, MARK, 1]
    assert first["kind"].to_list()[0] == MODIFIER
    assert first["kind"].to_list()[1] & NOUN
    assert words.names().to_list() == ["", "детский", "площадка"]
