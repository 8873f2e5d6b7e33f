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

Heads = tuple[list[str], dict[str, set[str]]]  # heads by how common they are; their last word or two → what it says


def openers(texts: list[str], language: str, keywords: set[str], most: int) -> dict[str, list[str]]:
    """keyword → at most `most` heads that end in a form of it, the commonest first; those never seen are absent.

    A keyword of two words is looked for as the last two words.
    """
    return choose(heads(texts, language), keywords, most)


def heads(texts: list[str], language: str) -> Heads:
    """All heads of the texts' sentences, the commonest first; and what the last word or two of each say."""
    counts = Counter()
    for text in texts:
        for head in HEAD.findall(text):
            words = head.split(" ")
            counts.update(" ".join(words[: at + 1]) for at in range(len(words)))
    ranked = sorted(counts, key=lambda head: (-counts[head], len(head), head))
    tails = sorted({" ".join(head.split(" ")[-words:]) for head in ranked for words in (1, 2)})
    return ranked, dict(zip(tails, said_in(tails, language), strict=True))


def choose(known: Heads | None, keywords: set[str], most: int) -> dict[str, list[str]]:
    """Of heads that were looked up once, those of these keywords; none where no heads are known."""
    ranked, said = known or ([], {})
    found = defaultdict(list)
    said = {tail: both for tail, words in said.items() if (both := words & keywords)}
    for head in ranked:
        words = head.split(" ")
        for length in {1, min(2, len(words))}:
            for word in said.get(" ".join(words[-length:]), ()):
                if word.count(" ") == length - 1 and len(found[word]) < most:
                    found[word].append(head)
    return dict(found)
