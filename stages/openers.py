"""How a sentence may begin so that it says a keyword: the heads of people's sentences that end in it.

    "прививка" → ["Прививка", "Прививку", "Приходили на прививку"]

A model that hardly follows its request can still go on from words that are there: lexical constraints at the head of a
sentence (after Hokamp and Liu 2017, P17-1141), with the sentence as the unit.
"""

import re
from collections import Counter, defaultdict

from stages.lemmas import said_in

HEAD = re.compile(
    r"(?:^|(?<=[.!?…])\s+)([^\W\d_][\w-]*(?: [^\W\d_][\w-]*){0,3})"
)  # at most four words, no mark between


def openers(texts: list[str], language: str, keywords: set[str], most: int) -> dict[str, list[str]]:
    """keyword → at most `most` heads that end in a form of it, the commonest first; those never seen are absent.

    A keyword of two words is looked for as the last two words.
    """
    heads = Counter()
    for text in texts:
        for head in HEAD.findall(text):
            words = head.split(" ")
            heads.update(" ".join(words[: at + 1]) for at in range(len(words)))
    ranked = sorted(heads, key=lambda head: (-heads[head], len(head), head))
    tails = sorted({" ".join(head.split(" ")[-words:]) for head in ranked for words in (1, 2)})
    said = {tail: found & keywords for tail, found in zip(tails, said_in(tails, language), strict=True)}
    found = defaultdict(list)
    for head in ranked:
        words = head.split(" ")
        for length in {1, min(2, len(words))}:
            for word in said[" ".join(words[-length:])]:
                if word.count(" ") == length - 1 and len(found[word]) < most:
                    found[word].append(head)
    return dict(found)
