"""How a sentence may begin with a keyword: the forms with which people's sentences begin, found in training rows.

    "прививка" → ["Прививка", "Прививку"]

A model that hardly follows its request can still go on from a word that is there: lexical constraints at the head of a
sentence (after Hokamp and Liu 2017, P17-1141), with the sentence as the unit.
"""

import re
from collections import Counter, defaultdict

from stages.lemmas import said_in

HEAD = re.compile(r"(?:^|(?<=[.!?…])\s+)([^\W\d_][\w-]*)(?:\s+([^\W\d_][\w-]*))?")


def openers(texts: list[str], language: str, keywords: set[str], most: int) -> dict[str, list[str]]:
    """keyword → at most `most` forms of it at the head of a sentence, the commonest first; those never seen are absent.

    A keyword of two words is looked for as the first two words.
    """
    heads = Counter()
    for text in texts:
        for first, second in HEAD.findall(text):
            heads[first] += 1
            if second:
                heads[f"{first} {second}"] += 1
    forms = sorted(heads, key=lambda form: (-heads[form], form))
    found = defaultdict(list)
    for form, said in zip(forms, said_in(forms, language), strict=True):
        words = form.count(" ")
        for word in said & keywords:
            if word.count(" ") == words and len(found[word]) < most:
                found[word].append(form)
    return dict(found)
