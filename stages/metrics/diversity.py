"""How much a set of texts repeats: within a text, across texts, and from what a model learnt."""

import itertools
from collections import Counter

import numpy as np

from stages.metrics import intervals

MOST_COMPARED = 100  # texts that self-BLEU is taken of: each is compared with all others


def fresh(text: str, length: int = 3) -> float:
    """Share of runs of `length` words that are new in the text, 0–1; a shorter text counts 1.

    >>> fresh("очень вкусно было очень вкусно было тут")
    0.8
    """
    words = text.lower().split()
    runs = [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0


def distinct(texts: list[str], length: int, seed: int) -> dict:
    """Different runs of `length` words per run over all texts together (Li et al. 2016, N16-1014), 0–1.

    Falls as texts are added, so it compares sets of one size only. A run that stands n times counts 1/n each time, as
    counted once over all texts: resampled texts, which repeat themselves, would only count as less diverse.
    """
    words = [text.lower().split() for text in texts]
    runs = [[tuple(one[at : at + length]) for at in range(len(one) - length + 1)] for one in words]
    times = Counter(itertools.chain.from_iterable(runs))
    new = np.array([sum(1 / times[run] for run in one) for one in runs])
    total = np.array([len(one) for one in runs])
    return intervals.bootstrap(
        len(texts), lambda rows: new[rows].sum() / total[rows].sum() if total[rows].sum() else 1.0, seed
    )


def self_bleu(texts: list[str], seed: int) -> dict:
    """Mean BLEU-4 of texts with all the others as references, 0–100, the lower the more diverse.

    Zhu et al. 2018 (arXiv:1802.01886), by sacrebleu with effective order; the first texts only, for its cost is a
    square. Bootstrap interval.
    """
    from sacrebleu.metrics import BLEU  # a tenth of a second to open

    some = texts[:MOST_COMPARED]
    score = BLEU(effective_order=True)
    scores = [
        score.sentence_score(text, some[:at] + some[at + 1 :]).score if len(some) > 1 else 0.0
        for at, text in enumerate(some)
    ]
    return intervals.mean(scores, seed)


class Memory:
    """The texts that a model learnt from, to be asked what of another text is copied from them."""

    def __init__(self, learnt: list[str]):
        self.texts = "\n".join(f" {_plain(text)} " for text in learnt)
        self.whole = {_plain(text) for text in learnt}

    def longest(self, text: str) -> int:
        """Words of the longest run that stands in one of the texts learnt; case, marks and spaces do not count."""
        return len(self.span(text))

    def span(self, text: str) -> list[str]:
        """That run: the first of those as long."""
        words, run = _plain(text).split(), []
        start = 0
        for end in range(1, len(words) + 1):  # two pointers: a run that is absent stays so when it grows
            while start < end and f" {' '.join(words[start:end])} " not in self.texts:
                start += 1
            run = max(run, words[start:end], key=len)
        return run

    def held(self, text: str) -> int:
        """How many of the texts learnt hold it, as a run of words."""
        return sum(f" {_plain(text)} " in one for one in self.texts.split("\n"))

    def copied(self, text: str) -> bool:
        """Whether the text as a whole is one that was learnt."""
        return _plain(text) in self.whole


def _plain(text: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.lower()).split())
