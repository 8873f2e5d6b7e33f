"""Sentences of reviews and their categories."""

import polars as pl

from stages.sentences import series, split, tag


def test_texts_are_cut_at_stops_and_lines():
    assert split(series(["Плов вкусный! Чай… остыл.\nНе придём", "... !", "", "4.5 из 5. «Да.» Нет"])).to_list() == [
        ["Плов вкусный!", "Чай…", "остыл.", "Не придём"], [], [], ["4.5 из 5.", "«Да.»", "Нет"],
    ]  # fmt: skip


def test_a_sentence_belongs_to_the_category_it_speaks_of_most():
    words = {"люди": ("официант",), "еда": ("плов", "чай"), "всё": ()}
    texts = series(["Официант принёс плов и чай", "Официанты хамят", "Темно", "Чай с официантом", ""])
    assert tag(texts, words, "ru").to_list() == ["еда", "люди", "", "люди", ""], "a tie goes to the first declared"


def test_other_languages_have_their_own_lemmas():
    assert tag(series(["The rooms were tiny"]), {"rooms": ("room",)}, "en").to_list() == ["rooms"]
    assert tag(series(["연기가 좋아요"]), {"acting": ("연기",)}, "ko").to_list() == ["acting"]


def test_no_texts_and_no_words_have_no_categories():
    assert tag(series([]), {"a": ("b",)}, "en").to_list() == []
    assert tag(pl.Series(["плов"]), {"еда": ()}, "ru").to_list() == [""]
