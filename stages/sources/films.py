"""Synthetic reviews of films, in English: what a film is made of. Its words: `films_kinds`, `films_phrases`."""

import random

from stages.sources import films_phrases as phrases
from stages.sources.films_kinds import ADJECTIVES, COMMON, FIRST_NAMES, GENRES, LAST_NAMES, THINGS
from stages.sources.grammar import Noun, english
from stages.sources.review import Subject

__all__ = ["RATINGS", "phrases", "subjects"]

# stars → how the raw table writes them, out of ten
RATINGS = {5: ("10", "9"), 4: ("8", "7"), 3: ("6", "5"), 2: ("4", "3"), 1: ("2", "1")}


def subjects(rng: random.Random, count: int) -> list[Subject]:
    """`count` different films; the first genres of the list are the commonest."""
    weights = [1 + 20 / (index + 5) for index in range(len(GENRES))]
    films = {}
    while len(films) < count:
        film = _film(rng, list(dict.fromkeys(rng.choices(list(GENRES), weights, k=rng.choice((1, 2, 2, 3))))))
        films.setdefault(film.group, film)
    return list(films.values())


def _film(rng: random.Random, genres: list[str]) -> Subject:
    adjective, thing, other = rng.choice(ADJECTIVES), *rng.sample(THINGS, 2)
    title = rng.choice((f"The {adjective} {thing}", f"{adjective} {thing}", f"{thing} and {other}", f"The {thing}"))
    people = [f"{first} {rng.choice(LAST_NAMES)}" for first in rng.sample(FIRST_NAMES, 3)]
    words = dict(zip(("star", "costar", "director"), people, strict=True), title=title)
    own = [noun for genre in genres for kind, nouns in GENRES[genre][1].items() for noun in english(nouns, kind)]
    shared = [noun for kind, nouns in COMMON.items() for noun in english(nouns, kind)]
    filled = tuple(Noun(noun.text.format(**words), noun.kind, noun.form) for noun in own * 2 + shared)
    return Subject(f"{title} ({rng.randint(1960, 2020)})", ";".join(genres), GENRES[genres[0]][0], filled, words)
