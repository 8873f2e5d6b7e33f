"""What a base may learn instead of denoising: to write some sentences of a review from what they speak of.

    "Пиццу ждали час. Официант нагрубил." → rubrics Кафе | keywords пицца → Пиццу ждали час.

The request is the prompt of review generation, often without its rubrics and always with other keywords: some of the
words in those sentences that are keywords of any review to learn from. Short texts and changing keywords show, many
times in each step, that what is asked for is what gets written; whole reviews show it once in forty tokens.
"""

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from stages.lemmas import lemmas_of

SENTENCE = re.compile(r"(?<=[.!?…])\s+")
LENGTHS = (1, 1, 1, 2, 2, 3)  # sentences of a target, drawn evenly
MOST_KEYWORDS = 5
BARE = 0.3  # share of requests without rubrics


def rebuilt(
    rows: pl.DataFrame, language: str, prompt: Callable[[dict], str], passes: float, seed: int
) -> tuple[list[str], list[str]]:
    """Prompts and targets, `passes` of them per row (rating, rubrics, keywords, text), each row in turn.

    A part that speaks of no keyword asks for none.
    """
    random = np.random.default_rng(seed)
    reviews = [SENTENCE.split(text) for text in rows["text"].to_list()]
    said = iter(lemmas_of([sentence for sentences in reviews for sentence in sentences], language))
    known = set(rows["keywords"].explode().drop_nulls())
    spoken = [[_spoken(next(said), known) for _ in sentences] for sentences in reviews]
    records = rows.select("rating", "rubrics", "keywords").to_dicts()
    order = np.concatenate([random.permutation(len(reviews)) for _ in range(int(np.ceil(passes)))])
    prompts, targets = [], []
    for at in order[: int(len(reviews) * passes)]:
        length = int(random.choice(LENGTHS))
        first = int(random.integers(max(1, len(reviews[at]) - length + 1)))
        part = slice(first, first + length)
        words = list(dict.fromkeys(word for one in spoken[at][part] for word in one))
        asked = sorted(random.permutation(len(words))[: int(random.integers(1, MOST_KEYWORDS + 1))])
        bare = {"rubrics": None} if random.random() < BARE else {}
        prompts.append(prompt(records[at] | {"keywords": [words[one] for one in asked]} | bare))
        targets.append(" ".join(reviews[at][part]))
    return prompts, targets


def _spoken(lemmas: list[str], known: set[str]) -> list[str]:
    """The keywords among lemmas in their order; of a phrase and its words the phrase."""
    found, at = [], 0
    while at < len(lemmas):
        pair = " ".join(lemmas[at : at + 2])
        word = pair if pair in known else lemmas[at]
        found += [word] if word in known else []
        at += 1 + (word == pair and at + 1 < len(lemmas))
    return found
