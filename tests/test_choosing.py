"""Of several candidates the one that says what was asked, fits its request better than rivals, and is likely."""

import pytest

from stages import choosing


@pytest.mark.parametrize(
    ("keywords", "lemmas", "share"), [(["a", "b"], {"a", "c"}, 0.5), ([], {"a"}, 1.0), (["a b"], {"a", "b"}, 0.0)]
)
def test_said_is_the_share_of_keywords(keywords, lemmas, share):
    assert choosing.said(keywords, lemmas) == share


def test_a_text_that_ends_loses_for_what_it_could_still_have_said():
    assert choosing.said(["a", "b", "c"], {"a"}, {"b"}) == 0.0  # one said, one not, one that no sentence begins with
    assert choosing.said(["a", "b"], set(), {"a", "b"}) == -1.0
    assert choosing.said(["a"], {"a"}, {"a"}) == 1.0 == choosing.said([], set(), {"a"})


def test_sentences_begin_with_what_is_still_unsaid_and_some_are_free():
    heads = {"a": ["A", "As"], "b": ["B"], "c": ["C"]}
    assert choosing.starts(["a", "b", "d"], set(), heads, 6) == ["A", "B", "As", "", "", ""]
    assert choosing.starts(["a", "b", "c"], {"b"}, heads, 3) == ["A", "C", ""]
    assert choosing.starts(["a"], {"a"}, heads, 2) == ["", ""]


def test_all_else_equal_the_one_that_says_more_is_kept():
    worth = choosing.promise([0.5, 1.0, 0.0], [-1.0] * 3)
    assert choosing.best(worth, [-9.0] * 3, [[-12.0]] * 3) == 1


def test_all_else_equal_the_one_that_fits_no_rival_is_kept():
    worth = choosing.promise([1.0] * 3, [-1.0] * 3)
    assert choosing.best(worth, [-9.0] * 3, [[-5.0, -30.0], [-9.0], [-20.0, -40.0]]) == 2


def test_all_else_equal_the_likelier_one_is_kept():
    worth = choosing.promise([1.0] * 2, [-1.5, -0.5])
    assert choosing.best(worth, [-9.0] * 2, [[-12.0]] * 2) == 1


def test_the_shortlist_is_short_and_the_best_first():
    worth = choosing.promise([0.0, 1.0, 0.5, 1.0, 0.0, 0.2], [-1.0, -1.0, -1.0, -0.5, -3.0, -1.0])
    assert choosing.shortlist(worth) == [3, 1, 2]
    assert choosing.shortlist(choosing.promise([1.0, 1.0], [-1.0, -1.0])) == [0, 1]
