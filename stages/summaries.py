"""A summary by category as text: writing it, reading it back, the rule that builds one, and joining several.

food: 8 | The rolls were fresh. | service: 3 | The waiter was rude.
"""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from stages.centrality import degree
from stages.stars import tone

BAR = " | "
HEAD = re.compile(r"(.+?):\s*(\d+)")
LONGEST = 160  # characters of a sentence that may stand in a summary, where there is a shorter one

Parts = dict[str, tuple[int, str]]  # category → score 0–10, text


@dataclass(frozen=True)
class Reading:
    """What a text says as a summary. parts: the categories that could be made out, the first of each.

    repeated: how often a category came again. malformed: anything but each category once, in order, with a score of 0
    to 10 and a text.
    """

    parts: Parts
    repeated: int
    malformed: bool


def write(parts: Parts) -> str:
    """The categories in the order of the mapping; a bar inside a text becomes a stroke.

    >>> write({"food": (8, "Fresh rolls."), "staff": (3, "Rude.")})
    'food: 8 | Fresh rolls. | staff: 3 | Rude.'
    """
    return BAR.join(f"{name}: {score}{BAR}{text.replace('|', '/').strip()}" for name, (score, text) in parts.items())


def read(text: str, categories: tuple[str, ...]) -> Reading:
    """What `text` says of `categories`, as far as it can be made out.

    >>> read("food: 8 | Fresh rolls.", ("food",))
    Reading(parts={'food': (8, 'Fresh rolls.')}, repeated=0, malformed=False)
    """
    fields = [field.strip() for field in text.split("|")]
    heads = [(at, match[1].strip(), int(match[2][:4])) for at, field in enumerate(fields)
             if (match := HEAD.fullmatch(field)) and match[1].strip() in categories]  # fmt: skip
    parts: Parts = {}
    for at, name, score in heads:
        said = fields[at + 1] if at + 1 < len(fields) and at + 1 not in {other for other, _, _ in heads} else ""
        if said and score <= 10:
            parts.setdefault(name, (score, said))
    named = Counter(name for _, name, _ in heads)
    whole = len(fields) == 2 * len(categories) and [(at, name) for at, name, _ in heads] == [
        (2 * at, name) for at, name in enumerate(categories)
    ]
    return Reading(parts, sum(count - 1 for count in named.values()), not whole or list(parts) != list(categories))


def scored(ratings: list[int]) -> int:
    """The mean of 1–5 stars as 0–10: all ones are 0, all fives 10, halves rounded up.

    >>> scored([5, 5, 4]), scored([1]), scored([3])
    (9, 0, 5)
    """
    return int((sum(ratings) / len(ratings) - 1) * 2.5 + 0.5)


def spoken(sentences: list[dict], categories: tuple[str, ...]) -> dict[str, list[dict]]:
    """The sentences of each category, in their order. sentences: {category, rating, text}, … of the reviews."""
    return {name: [one for one in sentences if one["category"] == name] for name in categories}


def short(sentences: list[dict]) -> list[dict]:
    """Those short enough for a summary; all of them where none is."""
    return [one for one in sentences if len(one["text"]) <= LONGEST] or sentences


def by_rule(sentences: list[dict], categories: tuple[str, ...], silent: str, ratings: list[int]) -> Parts:
    """The summary that the rule builds where no person wrote one.

    Of each category: the sentences that speak of it; as score the mean rating of the reviews that they come from; as
    text the most central of those whose review has the tone of that mean (all of them, where none has), short ones
    first. A category that nobody speaks of gets the mean of all the reviews and says so.
    """
    parts: Parts = {}
    for name, own in spoken(sentences, categories).items():
        if not own:
            parts[name] = (scored(ratings), silent)
            continue
        stars = [one["rating"] for one in own]
        mood = tone(int(sum(stars) / len(stars) + 0.5))
        fitting = short([one for one in own if tone(one["rating"]) == mood] or own)
        parts[name] = (scored(stars), fitting[int(np.argmax(degree([one["text"] for one in fitting])))]["text"])
    return parts


def merged(read_of_chunks: list[Parts], categories: tuple[str, ...], silent: str) -> Parts:
    """The summaries of chunks as one: of each category the mean score and the most central text.

    Chunks that are silent on a category have no say in it unless all are.
    """
    parts: Parts = {}
    for name in categories:
        told = [one[name] for one in read_of_chunks if name in one]
        speaking = [one for one in told if one[1] != silent] or told
        if not speaking:
            parts[name] = (5, silent)
            continue
        texts = [text for _, text in speaking]
        score = int(sum(score for score, _ in speaking) / len(speaking) + 0.5)
        parts[name] = (score, texts[int(np.argmax(degree(texts)))])
    return parts
