"""Ratings: reading them, scaling them to 1–5 stars, and the tone they stand for."""

TONES = ("negative", "neutral", "positive")


def tone(rating: int) -> str:
    """The tone of 1–5 stars: 1–2 negative, 3 neutral, 4–5 positive."""
    return TONES[(rating > 2) + (rating > 3)]
