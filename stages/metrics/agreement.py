"""Whether an answer's tone is the one that was asked for, as a judge hears it."""

from stages.metrics import intervals
from stages.stars import tone


def tone_agreement(asked: list[int], heard: list[int]) -> dict:
    """Share of answers whose judged rating has the tone of the asked one (1–2, 3, 4–5 stars); Wilson interval."""
    return intervals.share(tones_agree(asked, heard))


def tones_agree(asked: list[int], heard: list[int]) -> list[bool]:
    """Of each answer, whether its judged rating has the tone of the asked one."""
    return [tone(a) == tone(h) for a, h in zip(asked, heard, strict=True)]
