"""Synthetic answers in English to a dozen questions, each with a marking guide: marks follow from the points made.

A wrong or vague clause earns nothing and costs nothing, so only the points that an answer makes decide. The words stand
in `answers_questions`. Three of the questions are asked in test rows alone.
"""

import itertools
import random
from collections.abc import Callable

from stages.sources.answers_questions import LINKS, OPENINGS, QUESTIONS, VAGUE, Question
from stages.sources.grammar import expand

# quarters → how the raw table writes the mark, and per cent of answers with it
RATINGS = {0: ("0", "0.0"), 1: ("0.25",), 2: ("0.5", "0,5"), 3: ("0.75",), 4: ("1", "1.0")}
SHARES = {0: 16, 1: 20, 2: 22, 3: 20, 4: 22}
TEST = 0.2  # share of the answers to a question of training that are for testing


def writer(rng: random.Random, rows: int) -> Callable[[], dict]:
    """A function that writes the next answer, no two alike to one question, as columns of the raw table."""
    asked = iter(rng.choices(QUESTIONS, k=rows))
    written = set()

    def write() -> dict:
        question = next(asked)
        quarters = rng.choices(list(SHARES), SHARES.values())[0]
        text = compose(rng, question, quarters)
        while (question, text) in written:
            text = compose(rng, question, quarters)
        written.add((question, text))
        return {
            "rating": rng.choice(RATINGS[quarters]),
            "text": text,
            "split": "test" if question.unseen or rng.random() < TEST else "train",
            "question": question.text,
            "guide": guide(question),
        }

    return write


def guide(question: Question) -> str:
    """The points, numbered, with their worth where it is not a quarter of the mark."""
    worth = {1: "", 2: " (half the mark)"}
    return " ".join(f"{n}. {point.guide[:-1]}{worth[point.quarters]}." for n, point in enumerate(question.points, 1))


def compose(rng: random.Random, question: Question, quarters: int) -> str:
    """An answer that makes points worth so many quarters of the mark, and whatever else people write."""
    some = [one for n in range(len(question.points) + 1) for one in itertools.combinations(question.points, n)]
    points = rng.choice([one for one in some if sum(point.quarters for point in one) == quarters])
    clauses = [expand(rng, rng.choice(point.said)) for point in points]
    if rng.random() < 0.25:
        rng.shuffle(clauses)
    wrong = rng.choices((0, 1, 2), (55, 35, 10) if points else (25, 45, 30))[0]
    vague = rng.choices((0, 1, 2), (65, 30, 5) if points or wrong else (0, 55, 45))[0]
    for said, many in ((question.wrong, wrong), (VAGUE, vague)):
        for clause in rng.sample(said, many):
            clauses.insert(rng.randint(0, len(clauses)), expand(rng, clause))
    return _punctuate(rng, clauses)


def _punctuate(rng: random.Random, clauses: list[str]) -> str:
    """Clauses as sentences, with capitals and stops; a few writers use neither."""
    text = rng.choice(OPENINGS) if rng.random() < 0.25 else ""
    for n, clause in enumerate(clauses):
        link = rng.choice(LINKS) if n else ""
        starts = link == ". " or not text
        text += link + (clause[0].upper() + clause[1:] if starts else clause)
    text = " ".join(text.split()).replace(" .", ".").replace(" ,", ",").replace(" ;", ";")
    text = text[0].upper() + text[1:] + ("" if rng.random() < 0.1 else ".")
    return text.lower() if rng.random() < 0.06 else text
