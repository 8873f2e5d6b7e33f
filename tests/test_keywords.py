"""Reviews as literals → lemmas and keywords, in Russian, English and Korean."""

import doctest

import pytest

from stages import keywords as noun
from stages.keywords import keywords, lemmas_of

TEXTS = {
    "ru": [
        "Пиццу ждали час, официант забыл про пиццу. Звоните: [phone]",
        "Официанты вежливые, но стейки сухие. [email]",
        "Стейк и пицца были холодными, а кафе красивое!",
        "Кафе у дома, повар готовит душевно.",
        "Повар Олег готовит в кафе лучше всех.",
        "Был один раз.",
    ],
    "en": [
        "The zombies were boring; the soundtrack really saved it. Call [phone]",
        "Zombies again, and a lovely soundtrack by two sisters. [email]",
        "My sister hated the ending, terribly acted movies with zombies.",
        "An ending like no other movie.",
        "It was a good movie.",
        "A movie I watched.",
    ],
    "ko": [
        "배우들의 연기가 훌륭했다. [phone]",
        "음악이 좋고 배우도 좋다. [email]",
        "음악과 연기와 결말이 모두 아쉬운 영화",
        "이 영화의 결말은 반전이었다.",
        "영화 반전 결말",
        "볼만하다",
    ],
}
FOUND = {
    "ru": [["пицца", "официант"], ["официант", "стейк"], ["стейк", "пицца"], ["повар"], ["повар"], []],
    "en": [
        ["zombie", "soundtrack"],
        ["zombie", "soundtrack", "sister"],
        ["sister", "ending", "zombie"],
        ["ending"],
        [],
        [],
    ],
    "ko": [["배우", "연기"], ["음악", "배우"], ["음악", "연기", "결말"], ["결말", "반전"], ["반전", "결말"], []],
}
LANGUAGES = ("ru", "en", "ko")


def of(language: str, texts: list[str] | None = None, most: int = 5, max_share: float = 1.0, rubrics=None, fit_on=None):
    texts = TEXTS[language] if texts is None else texts
    rubrics = [""] * len(texts) if rubrics is None else rubrics
    return keywords(texts, language, most, max_share, rubrics, [True] * len(texts) if fit_on is None else fit_on)


@pytest.mark.parametrize(
    ("language", "text", "lemmas"),
    [
        ("ru", "Пиццу ждали час", ["пицца", "ждать", "час"]),
        ("ru", "Wi-Fi за 100 руб", ["wi-fi", "за", "100", "руб"]),
        ("ru", "Звоните [phone]!", ["звонить", "[phone]"]),
        ("en", "Two movies", ["two", "movie"]),
        ("en", "cities boxes watches heroes glasses houses", ["city", "box", "watch", "hero", "glass", "house"]),
        ("en", "Paris kiss bus series Thomas women", ["paris", "kiss", "bus", "series", "thomas", "woman"]),
        ("ko", "배우가 좋다", ["배우", "가", "좋", "다"]),
        ("ko", "iPhone", ["iphone"]),
        ("ru", "", []),
        ("en", "...", []),
        ("ko", "", []),
    ],
)
def test_lemmas_are_the_words_of_the_dictionary_in_order(language, text, lemmas):
    assert lemmas_of([text], language) == [lemmas]


def test_the_docstring_says_so_too():
    assert doctest.testmod(noun).failed == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_keywords_are_what_two_reviews_say_in_the_order_of_the_text(language):
    share = {"ru": 0.4, "en": 0.5, "ko": 0.5}[language]  # a word in more reviews is too common: кафе, movie
    assert of(language, max_share=share) == FOUND[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_keyword_is_a_lemma_of_its_text(language):
    for words, lemmas in zip(of(language), lemmas_of(TEXTS[language], language), strict=True):
        assert set(words) <= set(lemmas)
    assert any(of(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_reviews_give_the_same_keywords(language):
    assert of(language) == of(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_review_says_the_same_wherever_it_stands(language):
    """Kiwi works with threads: the order of what it returns must be that of what it was given."""
    many = TEXTS[language] * 50
    assert of(language, many[::-1]) == of(language, many)[::-1]


@pytest.mark.parametrize(
    ("language", "rubrics", "gone", "kept"),
    [
        ("ru", "Пиццерия;Пицца", "пицца", "официант"),
        ("en", "Zombies", "zombie", "soundtrack"),
        ("ko", "배우", "배우", "연기"),
    ],
)
def test_the_rows_own_rubrics_are_no_keywords(language, rubrics, gone, kept):
    without = of(language)
    found = of(language, rubrics=[rubrics, *[""] * 5])
    assert gone in without[0]
    assert gone not in found[0]
    assert kept in found[0]
    assert found[1:] == without[1:], "another row's rubrics are its own"


@pytest.mark.parametrize(("language", "common"), [("ru", "кафе"), ("en", "zombie"), ("ko", "결말")])  # in 3 of 6
def test_a_word_of_too_many_reviews_is_no_keyword(language, common):
    assert sum(common in words for words in of(language, max_share=0.5)) == 3
    assert sum(common in words for words in of(language, max_share=0.49)) == 0


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("ru", "Звоните [phone], раз в год Олег Петрович ждёт повара, 24 wifi", ["повар"]),
        ("en", "Really, dial [phone]: I didn't just watch zombies, kindly, in 1990", ["dial", "zombie"]),
        ("ko", "영화를 본 사람의 생각 [phone] 10 ok 너무 배우", ["배우"]),
    ],
)
def test_stop_words_names_numbers_and_placeholders_are_no_keywords(language, text, kept):
    assert of(language, [text, text]) == [kept, kept]


@pytest.mark.parametrize(
    ("word", "may"),
    [
        ("family", True), ("ending", True), ("wedding", True), ("table", True), ("bears", True),
        ("beautifully", False), ("catapulting", False), ("attested", False), ("quotable", False), ("series", True),
    ],
)  # fmt: skip
def test_english_endings_stand_in_for_parts_of_speech(word, may):
    assert bool(of("en", [word, word])[0]) is may


def test_a_word_of_one_review_alone_is_no_keyword():
    assert of("ru", ["Вкусная шаурма", "Шаурма и чебурек"]) == [["шаурма"], ["шаурма"]]


def test_the_rarest_and_most_repeated_words_win_and_ties_go_to_the_earlier():
    texts = ["пицца суп борщ плов", "пицца суп борщ плов", "суп чай", "чай"]
    assert of("ru", texts, most=2)[0] == ["пицца", "борщ"], "суп stands in three reviews"
    assert of("ru", ["суп борщ плов плов", *texts], most=1)[0] == ["плов"], "said twice"


def test_only_the_rows_of_fit_on_are_counted():
    """Five test rows that all speak of tea make it neither too common nor known."""
    texts = ["суп и плов", "плов и суп", *["чай и суп"] * 5]
    fit_on = [True, True, *[False] * 5]
    found = of("ru", texts, fit_on=fit_on)
    assert found == [["суп", "плов"], ["плов", "суп"], *[["суп"]] * 5]
    assert of("ru", texts[:3], fit_on=fit_on[:3]) == found[:3], "nor do more of them move anything"
    assert of("ru", texts, max_share=0.5, fit_on=fit_on)[0] == [], "both are in more than half of the two"
    assert of("ru", texts, max_share=0.5)[0] == ["плов"], "of all seven only суп is"


def test_nothing_to_fit_on_gives_no_keywords():
    assert of("ru", fit_on=[False] * 6) == [[]] * 6
    assert of("ru", []) == []
