"""A word trigram model: how usual a text's words are in their order, and whether a text may end where it ends.

Counted in a second, and no relative of the models whose texts it judges.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

ORDER = 3
START, END = "<s>", "</s>"  # no text has them as tokens: TOKEN takes "<" for a mark
TOKEN = re.compile(r"\w+|[^\w\s]")
COUNTS = "ngrams.parquet"


@dataclass(frozen=True)
class Ngrams:
    """counts: one to three neighbouring tokens, "a b c" → times. followed: context → (times, different followers).

    Probabilities are interpolated by Witten and Bell's rule (1991, doi:10.1109/18.87000): a context that was followed
    n times by T different tokens leaves T / (n + T) to the shorter context, the empty one to all tokens alike.
    """

    counts: dict[str, int]
    followed: dict[str, tuple[int, int]] = field(init=False, repr=False)

    def __post_init__(self):
        times, kinds = Counter(), Counter()
        for gram, count in self.counts.items():
            context = gram.rpartition(" ")[0]
            times[context] += count
            kinds[context] += 1
        object.__setattr__(self, "followed", {context: (times[context], kinds[context]) for context in times})

    def fluency(self, text: str) -> tuple[float, float]:
        """(mean log probability of a token, log probability that the text ends where it does), nats."""
        words = [*[START] * (ORDER - 1), *tokens(text), END]
        logs = [self._log(words[at - ORDER + 1 : at + 1]) for at in range(ORDER - 1, len(words))]
        return sum(logs) / len(logs), logs[-1]

    def _log(self, words: list[str]) -> float:
        probability = 1 / (self.followed[""][1] + 1)
        for start in range(len(words) - 1, -1, -1):
            context = " ".join(words[start:-1])
            times, kinds = self.followed.get(context, (0, 0))
            if not times:
                break
            found = self.counts.get(" ".join(words[start:]), 0)
            probability = (found + kinds * probability) / (times + kinds)
        return math.log(probability)


def tokens(text: str) -> list[str]:
    """Words and marks in lower case.

    >>> tokens("Всё, спасибо!")
    ['всё', ',', 'спасибо', '!']
    """
    return TOKEN.findall(text.lower())


def fit(texts: list[str]) -> Ngrams:
    counts = Counter()
    for text in texts:
        words = [*[START] * (ORDER - 1), *tokens(text), END]
        for at in range(ORDER - 1, len(words)):
            counts.update(" ".join(words[start : at + 1]) for start in range(at - ORDER + 1, at + 1))
    return Ngrams(dict(counts))


def save(model: Ngrams, folder: Path) -> None:
    grams = sorted(model.counts)
    table = pl.DataFrame({"gram": grams, "times": [model.counts[gram] for gram in grams]})
    table.write_parquet(Path(folder) / COUNTS, compression="zstd")


def load(folder: Path) -> Ngrams:
    return Ngrams(dict(pl.read_parquet(Path(folder) / COUNTS).iter_rows()))
