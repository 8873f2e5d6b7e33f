import polars as pl
import pytest

from stages.stars import parse, scale, tone


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", 4.0), ("4.", 4.0), ("4.0", 4.0), ("4,0", 4.0), (" 4 ", 4.0), ("10", 10.0), ("3,5", 3.5), ("-1", -1.0),
        ("", None), ("four", None), ("4/5", None), ("4 5", None), ("nan", None), ("inf", None),
        ("1,000.5", None), (None, None),
    ],
)  # fmt: skip
def test_a_rating_is_read_from_its_text(text, number):
    assert parse(pl.Series([text], dtype=pl.String)).to_list() == [number]


@pytest.mark.parametrize(
    ("low", "high", "ratings", "stars"),
    [
        (1, 5, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        (1, 5, [3.5, 3.49], [4, 3]),
        (1, 10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        (0, 1, [0, 0.25, 1], [1, 2, 5]),
        (0, 100, [50, 87.5, 87.4], [3, 5, 4]),
    ],
)
def test_a_rating_is_scaled_to_stars(low, high, ratings, stars):
    got = scale(pl.Series(ratings, dtype=pl.Float64), low, high)
    assert (got.to_list(), got.dtype) == (stars, pl.Int8)


def test_tones():
    assert [tone(n) for n in range(1, 6)] == ["negative", "negative", "neutral", "positive", "positive"]
