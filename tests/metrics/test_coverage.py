import pytest

from stages.metrics.coverage import keyword_recall


@pytest.mark.parametrize(
    ("asked", "found", "shares"),
    [
        ([["пицца", "официант"]], [{"пицца", "быть", "холодный"}], [0.5]),
        ([["a"], ["a", "b", "c", "d"]], [{"a"}, {"a", "x"}], [1.0, 0.25]),
        ([["a"], []], [{"a"}, {"b"}], [1.0, None]),  # the second asks for nothing
        ([["a"]], [set()], [0.0]),
    ],
)
def test_keyword_recall_is_the_share_of_asked_words_found(asked, found, shares):
    assert keyword_recall(asked, found) == shares
