"""Curves of validation loss set against each other: at equal tokens, and in seconds to an equal loss."""

from itertools import pairwise

Points = list[tuple[float, int, float]]  # seconds of training, real tokens seen, nats per target token


def against(courses: dict[str, Points], base: str) -> dict:
    """What each way had learnt at the tokens that all have seen, when it knew what all came to know, and how many times
    as fast as `base` that was.
    """
    tokens = min(points[-1][1] for points in courses.values())
    loss = max(points[-1][2] for points in courses.values())
    seconds = {name: to_loss(points, loss) for name, points in courses.items()}
    return {
        "tokens": tokens,
        "loss": loss,
        "loss_at_these_tokens": {name: at_tokens(points, tokens) for name, points in courses.items()},
        "seconds_to_this_loss": seconds,
        "times": {name: took and seconds[base] and round(seconds[base] / took, 2) for name, took in seconds.items()},
    }


def at_tokens(points: Points, tokens: int) -> float | None:
    """The loss between the points around so many tokens.

    >>> at_tokens([(0, 0, 9.0), (1, 100, 5.0), (2, 200, 4.0)], 150)
    4.5
    """
    for (_, before, high), (_, after, low) in pairwise(points):
        if before <= tokens <= after and after > before:
            return round(high + (low - high) * (tokens - before) / (after - before), 5)
    return None


def to_loss(points: Points, loss: float) -> float | None:
    """Seconds until the loss was first as low.

    >>> to_loss([(0.0, 0, 9.0), (10.0, 100, 5.0), (20.0, 200, 4.0)], 7.0)
    5.0
    """
    for (began, _, high), (ended, _, low) in pairwise(points):
        if low <= loss < high:
            return round(began + (ended - began) * (high - loss) / (high - low), 3)
    return None
