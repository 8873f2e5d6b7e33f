import pytest

from stages.metrics.coverage import keyword_recall


@pytest.mark.parametrize(
    ("shares", "value", "n"),
    [
        ([0.5], 0.5, 1),
        ([1.0, 0.25], 0.625, 2),
        ([1.0, None], 1.0, 1),  # the second asks for nothing
        ([0.0], 0.0, 1),
    ],
)
def test_keyword_recall_is_the_mean_share_of_asked_words_found(shares, value, n):
    told = keyword_recall(shares, seed=1)
    assert (told["value"], told["n"]) == (value, n)


def test_where_no_row_asks_for_a_word_nothing_is_known():
    assert keyword_recall([None, None], seed=1) == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
