"""Synthetic reviews of places, in Russian: what a place is made of. Its words: `places_kinds`, `places_phrases`."""

import random
from dataclasses import replace

from stages.sources import places_phrases as phrases
from stages.sources.grammar import Noun, russian
from stages.sources.places_kinds import DOMAINS, KINDS, NAMES, PEOPLE, STREETS
from stages.sources.review import Subject

__all__ = ["RATINGS", "phrases", "subjects"]

# rating → how the raw table writes it: as untidily as real ones
RATINGS = {stars: (f"{stars}",) * 12 + (f"{stars}.", f"{stars}.0", f"{stars},0", f" {stars} ") for stars in range(1, 6)}


def subjects(rng: random.Random, count: int) -> list[Subject]:
    """`count` different places; the first kinds of the list are the commonest."""
    kinds = rng.choices(KINDS, [1 + 30 / (index + 10) for index in range(len(KINDS))], k=count)
    places = {}
    for kind in kinds:
        place = _place(rng, *kind)
        while place.group in places:
            place = _place(rng, *kind)
        places[place.group] = place
    return list(places.values())


def _place(rng: random.Random, domain: str, rubrics: str, nouns: dict[str, str]) -> Subject:
    own = rng.sample(rubrics.split(";"), rng.choices((1, 2, 3), (45, 35, 20))[0])
    name, street, house = rng.choice(NAMES), rng.choice(STREETS), rng.randint(1, 150)
    workers = rng.sample(PEOPLE, 2)
    things = [noun for kind, words in nouns.items() for noun in russian(words, kind)]
    shared = [noun for kind, words in DOMAINS[domain].items() for noun in russian(words, kind)]
    every = things * 2 + [_named(noun, workers) for noun in shared + things if noun.nameable] + shared
    return Subject(
        group=f"{own[0]} «{name}», ул. {street}, {house}",
        rubrics=";".join(own),
        mood=domain,
        nouns=tuple(every),
        words={"name": name, "street": street, "whom": rng.choice(workers)[1]},
    )


def _named(noun: Noun, workers: list[tuple[str, str, int]]) -> Noun:
    """The worker with a first name: a woman's for a feminine noun, a man's for `охранник` and its like, or anyone's."""
    fits = (1,) if noun.form == 1 else (0,) if noun.text.endswith("ик") else (0, 1)
    for name, _, form in workers:
        if form in fits:
            return replace(noun, text=f"{noun.text} {name}", form=form)
    return noun
