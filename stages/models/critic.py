"""What a judge hears in a review: one signal per question of `stages.criteria`, for texts that answer a request.

None of its parts is a model that writes, or has learnt from what one wrote.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from stages.lemmas import said_in
from stages.metrics.diversity import fresh
from stages.models import linear, ngrams, rubrics
from stages.params import Numerics
from stages.stars import TONES, tone
from stages.tags import tagged

RUBRICS = "rubrics"


@dataclass(frozen=True)
class Critic:
    """tone: a classifier of ratings. grammar: a model of tags in a row. rubrics: None where the source has none."""

    tone: linear.Linear
    grammar: ngrams.Ngrams
    rubrics: rubrics.Rubrics | None
    language: str
    encode: linear.Features | None = None

    def signals(self, asked: pl.DataFrame, texts: list[str]) -> pl.DataFrame:
        """criteria.SIGNALS of each text, an answer to the row of `asked` (rating, rubrics, keywords) at its place."""
        said = said_in(texts, self.language)
        grammar = [self.grammar.fluency(tags) for tags in tagged(texts, self.language)]
        nothing = [None] * len(texts)
        columns = {
            "rubric": self.rubrics.margins(asked["rubrics"].to_list(), texts) if self.rubrics else nothing,
            "tone": self.tones(asked["rating"].to_list(), texts),
            "grammar": [worst for worst, _ in grammar],
            "ending": [end for _, end in grammar],
            "fresh": [fresh(text) for text in texts],
            "keywords": [
                sum(word in words for word in wanted) / len(wanted) if wanted else None
                for wanted, words in zip(asked["keywords"].to_list(), said, strict=True)
            ],
        }
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))

    def ratings(self, texts: list[str]) -> list[int]:
        """The stars that each text sounds like."""
        return [int(label) for label in self.tone.predict(texts, self.encode)]

    def tones(self, asked: list[int], texts: list[str]) -> list[float]:
        """Log probability that each text has the tone of the rating asked for, nats."""
        scores = self.tone.scores(texts, self.encode)
        of = np.array([TONES.index(tone(int(label))) for label in self.tone.labels])
        sums = {name: np.logaddexp.reduce(scores[:, of == at], axis=1) if (of == at).any() else
                np.full(len(texts), -np.inf) for at, name in enumerate(TONES)}  # fmt: skip
        return [float(sums[tone(rating)][row]) for row, rating in enumerate(asked)]


def save(critic: Critic, folder: Path) -> None:
    """All but the encoder, which whoever trained the judge puts beside it."""
    linear.save(critic.tone, folder)
    ngrams.save(critic.grammar, folder)
    if critic.rubrics:
        rubrics.save(critic.rubrics, folder / RUBRICS)


def load(folder: Path, language: str, numerics: Numerics, seed: int) -> Critic:
    """Open what `save` wrote; torch is opened only for a judge that hears through an encoder."""
    kept, ratings, encode = folder / RUBRICS, linear.load(folder), None
    if ratings.kind == linear.ENCODER:
        from stages.models.features import features
        from stages.numerics import settle

        settle(numerics, seed)
        encode = partial(features, folder / linear.ENCODER)
    return Critic(ratings, ngrams.load(folder), rubrics.load(kept) if kept.is_dir() else None, language, encode)
