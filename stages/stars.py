"""Ratings: reading them, scaling them to 1–5 stars, and the tone they stand for."""

import polars as pl

TONES = ("negative", "neutral", "positive")


def tone(rating: int) -> str:
    """The tone of 1–5 stars: 1–2 negative, 3 neutral, 4–5 positive."""
    return TONES[(rating > 2) + (rating > 3)]


def parse(rating: pl.Series) -> pl.Series:
    """The number a rating's text gives, Float64; null where it gives none. A comma may stand for the point.

    >>> parse(pl.Series(["4.", "4,0", " 10 ", "four", "4/5", None])).to_list()
    [4.0, 4.0, 10.0, None, None, None]
    """
    plain = rating.str.strip_chars().str.replace(",", ".", literal=True)
    return plain.str.extract(r"^([+-]?[0-9]+(?:\.[0-9]*)?)$").cast(pl.Float64)


def scale(rating: pl.Series, low: float, high: float) -> pl.Series:
    """Ratings within [low, high] as Int8 stars: `low` is 1, `high` is 5, linear between, halves rounded up.

    >>> scale(pl.Series([1.0, 5.5, 10.0]), 1, 10).to_list()
    [1, 3, 5]
    """
    return (1 + 4 * (rating - low) / (high - low) + 0.5).floor().cast(pl.Int8)
