"""A model of tags in a row: how usual a text's grammar is, and whether a text may end where it ends.

Over tags (stages.tags), so that it hears what agrees with what, not which words are common. Counted in seconds, and no
relative of the models whose texts it judges.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

ORDER = 4
START, END = "<s>", "</s>"  # no tag
WORST = 0.25  # of a text's tags: the share that it is judged by, for one broken place does not show in a mean
COUNTS = "ngrams.parquet"


@dataclass(frozen=True)
class Ngrams:
    """counts: one to ORDER neighbouring tags, "a b c" → times. followed: context → (times, different followers).

    Probabilities are interpolated by Witten and Bell's rule (1991, doi:10.1109/18.87000): a context that was followed
    n times by T different tags leaves T / (n + T) to the shorter context, the empty one to all tags alike.
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

    def fluency(self, tags: list[str]) -> tuple[float, float]:
        """(mean log probability of the least likely tags, WORST of all, log probability that the text ends), nats."""
        logs = [self._log(window) for window in _windows(tags)]
        worst = sorted(logs)[: max(1, round(WORST * len(logs)))]
        return sum(worst) / len(worst), logs[-1]

    def _log(self, tags: list[str]) -> float:
        probability = 1 / (self.followed[""][1] + 1)
        for start in range(len(tags) - 1, -1, -1):
            context = " ".join(tags[start:-1])
            times, kinds = self.followed.get(context, (0, 0))
            if not times:
                break
            found = self.counts.get(" ".join(tags[start:]), 0)
            probability = (found + kinds * probability) / (times + kinds)
        return math.log(probability)


def fit(texts: list[list[str]]) -> Ngrams:
    """Learn from the tags of texts."""
    counts = Counter()
    for tags in texts:
        for window in _windows(tags):
            counts.update(" ".join(window[start:]) for start in range(ORDER))
    return Ngrams(dict(counts))


def _windows(tags: list[str]) -> Iterator[list[str]]:
    """Each tag of a text, and its end, after the ORDER - 1 that stand before it."""
    row = [*[START] * (ORDER - 1), *tags, END]
    return (row[at : at + ORDER] for at in range(len(row) - ORDER + 1))


def save(model: Ngrams, folder: Path) -> None:
    grams = sorted(model.counts)
    table = pl.DataFrame({"gram": grams, "times": [model.counts[gram] for gram in grams]})
    table.write_parquet(Path(folder) / COUNTS, compression="zstd")


def load(folder: Path) -> Ngrams:
    return Ngrams(dict(pl.read_parquet(Path(folder) / COUNTS).iter_rows()))
