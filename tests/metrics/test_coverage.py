import pytest

from stages.metrics.coverage import keyword_recall


@pytest.mark.parametrize(
    ("asked", "found", "value", "n"),
    [
        ([["пицца", "официант"]], [{"пицца", "быть", "холодный"}], 0.5, 1),
        ([["a"], ["a", "b", "c", "d"]], [{"a"}, {"a", "x"}], 0.625, 2),
        ([["a"], []], [{"a"}, {"b"}], 1.0, 1),  # the second asks for nothing
        ([["a"]], [set()], 0.0, 1),
    ],
)
def test_keyword_recall_is_the_mean_share_of_asked_words_found(asked, found, value, n):
    told = keyword_recall(asked, found, seed=1)
    assert (told["value"], told["n"]) == (value, n)


def test_where_no_row_asks_for_a_word_nothing_is_known():
    assert keyword_recall([[], []], [{"a"}, set()], seed=1) == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
