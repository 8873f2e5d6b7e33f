"""How a review is put together: an opening, clauses of the grades that its rating calls for, a verdict, a closing.

The words come from a module of phrases (`places_phrases`, `films_phrases`), which all have the same names in them.
"""

import random
from dataclasses import dataclass
from types import ModuleType

from stages.sources.grammar import Noun, expand

SHARES = {5: 75, 1: 9, 4: 7, 3: 5, 2: 4}  # per cent of reviews with each rating, as skewed as real ones

# rating → grades of its clauses and how often each is drawn
GRADES = {
    1: {"awful": 80, "poor": 20},
    2: {"poor": 68, "awful": 8, "fair": 14, "good": 10},
    3: {"fair": 40, "good": 30, "poor": 30},
    4: {"good": 66, "great": 14, "minor": 20},
    5: {"great": 72, "good": 27, "minor": 1},
}
# rating → how often it weighs two things in one sentence, and of which grades
PAIRS = {
    1: (0.04, ("good", "awful")),
    2: (0.4, ("good", "poor")),
    3: (0.6, ("good", "poor")),
    4: (0.65, ("good", "minor")),
    5: (0.07, ("minor", "great")),
}
RANK = {"awful": 0, "poor": 1, "minor": 1.5, "fair": 2, "good": 3, "great": 4}  # the worse, the lower
MOST_CHARS = 900


@dataclass(frozen=True)
class Subject:
    """What is reviewed. mood: the domain or mood whose events fit it. words: what fills {name}, {title} and so on."""

    group: str
    rubrics: str
    mood: str
    nouns: tuple[Noun, ...]
    words: dict[str, str]


def compose(rng: random.Random, phrases: ModuleType, subject: Subject, rating: int) -> str:
    """One review of `subject` that reads like `rating` stars: most often exactly, now and then a star off."""
    tone = rating
    if rng.random() < 0.04:
        tone = min(5, max(1, rating + rng.choice((-1, 1))))
    clauses = _Clauses(rng, phrases, subject)
    sentences = [clauses.opening()] if rng.random() < 0.3 else []
    often, (first, second) = PAIRS[tone]
    last = None
    if rng.random() < often:
        if tone == 3 and rng.random() < 0.4:
            first, second = second, first
        link = phrases.UP if RANK[second] > RANK[first] else phrases.DOWN
        sentences.append(clauses.clause(first) + rng.choice(link) + clauses.clause(second))
        last = RANK[second]
    for _ in range(max(_length(rng, tone) - len(sentences), last is None)):
        grade = rng.choices(list(GRADES[tone]), GRADES[tone].values())[0]
        noun = last is None or rng.random() < 0.65  # every review names at least one thing
        clause = clauses.clause(grade) if noun else clauses.event(grade)
        sentences.append(_link(rng, phrases, last, RANK[grade]) + clause)
        last = RANK[grade]
    if rng.random() < (0.75 if tone in (2, 3, 4) else 0.5):
        sentences.append(clauses.sentence(phrases.VERDICTS[tone]))
    if rng.random() < 0.4:
        sentences.append(clauses.sentence(phrases.CLOSINGS[tone]))
    return _punctuate(rng, sentences, tone)


class _Clauses:
    """Draws clauses for one review, none twice and no noun twice."""

    def __init__(self, rng: random.Random, phrases: ModuleType, subject: Subject):
        self.rng, self.phrases, self.subject = rng, phrases, subject
        self.used = set()

    def clause(self, grade: str) -> str:
        """A clause of that grade about one of the subject's nouns."""
        noun = self._fresh([noun for noun in self.subject.nouns if grade in self.phrases.CLAUSES[noun.kind]])
        return self._expand(self._fresh(self.phrases.CLAUSES[noun.kind][grade]), noun)

    def event(self, grade: str) -> str:
        """A clause of that grade about the whole; about a noun when all such have been used."""
        events = [one for one in self.phrases.EVENTS[self.subject.mood][grade] if one not in self.used]
        return self.sentence(events) if events else self.clause(grade)

    def opening(self) -> str:
        """A neutral first sentence, about a noun where its class has one."""
        told = [noun for noun in self.subject.nouns if "told" in self.phrases.CLAUSES[noun.kind]]
        if told and self.rng.random() < 0.4:
            noun = self._fresh(told)
            return self._expand(self.rng.choice(self.phrases.CLAUSES[noun.kind]["told"]), noun)
        return self.sentence(self.phrases.OPENINGS)

    def sentence(self, templates: list | tuple) -> str:
        return self._expand(self._fresh(templates))

    def _expand(self, template: str, noun: Noun | None = None) -> str:
        return expand(self.rng, template, noun, **self.subject.words)

    def _fresh(self, choices: list | tuple) -> Noun | str:
        """One that this review has not used yet, where there is any."""
        choice = self.rng.choice([one for one in choices if one not in self.used] or choices)
        self.used.add(choice)
        return choice


def _length(rng: random.Random, tone: int) -> int:
    """Sentences before the verdict: a few, more from the discontented, and one writer in eighty tells it all."""
    if rng.random() < 0.0125:
        return rng.randint(9, 20)
    return min(9, round(rng.lognormvariate(1.1 if tone < 4 else 0.9, 0.55)))


def _link(rng: random.Random, phrases: ModuleType, last: float | None, rank: float) -> str:
    """A word that ties a clause to the one before it, or nothing."""
    if last is None or rank == RANK["fair"] or rng.random() > 0.35:
        return ""
    same = (last >= 3) == (rank >= 3)
    return rng.choice(phrases.SAME if same else phrases.BETTER if rank > last else phrases.WORSE)


def _punctuate(rng: random.Random, sentences: list[str], tone: int) -> str:
    """Sentences with capitals and stops, cut to the longest length at a sentence's end; a few writers use neither."""
    loud = 0.25 if tone in (1, 5) else 0.05
    ends = [("!!!" if rng.random() < 0.15 else "!") if rng.random() < loud else "." for _ in sentences]
    if rng.random() < 0.12:
        ends[-1] = ""
    text = ""
    for sentence, end in zip(sentences, ends, strict=True):
        one = sentence[0].upper() + sentence[1:] + end
        if text and len(text) + len(one) >= MOST_CHARS:
            break
        text += " " * bool(text) + one
    return text.lower() if rng.random() < 0.03 else text
