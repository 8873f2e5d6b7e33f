"""How far two who were asked agree: a judge with what was asked for, a judge with a marker."""

import numpy as np

from stages.metrics import intervals
from stages.stars import tone


def tone_agreement(asked: list[int], heard: list[int]) -> dict:
    """Share of answers whose judged rating has the tone of the asked one (1–2, 3, 4–5 stars); Wilson interval."""
    return intervals.share(tones_agree(asked, heard))


def tones_agree(asked: list[int], heard: list[int]) -> list[bool]:
    """Of each answer, whether its judged rating has the tone of the asked one."""
    return [tone(a) == tone(h) for a, h in zip(asked, heard, strict=True)]


def kappa(first: list[bool], second: list[bool], seed: int) -> dict:
    """Cohen's kappa of two who say yes or no to the same rows: agreement beyond chance (Cohen 1960).

    1 is full agreement, 0 is chance. Two who both always say the same word agree fully and show nothing: 0.
    Bootstrap interval.
    """
    one, other = np.asarray(first, bool), np.asarray(second, bool)

    def statistic(rows: np.ndarray) -> float:
        a, b = one[rows], other[rows]
        chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
        return float(((a == b).mean() - chance) / (1 - chance)) if chance < 1 else 0.0

    return intervals.bootstrap(len(one), statistic, seed)
