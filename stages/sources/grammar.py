"""A pocket grammar: templates with choices and agreement become clauses.

    <a/b>      one of them, by chance; may hold agreement, not another choice
    [a|b|c|d]  the ending that agrees with the noun, by its form
    {x} {acc}  the noun as subject and as object; any other name is filled in as it is

Forms are Russian masculine, feminine, neuter, plural (0–3), or English singular, plural (0–1).
"""

import random
import re
from dataclasses import dataclass

CHOICE = re.compile(r"<([^<>]*)>")
AGREEMENT = re.compile(r"\[([^\]]*)\]")
ADJECTIVE = re.compile(r"(ый|ий|ой|ая|яя|ое|ее|ые|(?<![нт])ие)$")


@dataclass(frozen=True)
class Noun:
    """What a clause is about. kind: the class of clauses that fit it. form: which ending agrees with it."""

    text: str
    kind: str
    form: int
    nameable: bool = False

    @property
    def accusative(self) -> str:
        """The noun as the object of a Russian verb; right for things, not for people.

        >>> Noun("холодная вода", "kit", 1).accusative, Noun("замена масла", "work", 1).accusative
        ('холодную воду', 'замену масла')
        """
        if self.form != 1:
            return self.text
        words, head = self.text.split(), _head(self.text)
        ends = {"ая": "ую", "яя": "юю", "а": "у", "я": "ю"}
        for index in range(head + 1):
            end = words[index][-2:] if words[index][-2:] in ends else words[index][-1]
            words[index] = words[index].removesuffix(end) + ends.get(end, end)
        return " ".join(words)


def russian(words: str, kind: str) -> list[Noun]:
    """Nouns of a comma-separated list; the form is read off the ending unless given, `*` marks who may have a name.

    >>> [(noun.text, noun.form) for noun in russian("пицца, кофе:m, роллы", "dish")]
    [('пицца', 1), ('кофе', 0), ('роллы', 3)]
    """
    nouns = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        text, _, form = word.rstrip("*").partition(":")
        last = text.split()[_head(text)][-1]
        guess = "f" if last in "ая" else "n" if last in "оеё" else "p" if last in "ыи" else "m"
        nouns.append(Noun(text, kind, "mfnp".index(form or guess), word.endswith("*")))
    return nouns


def english(words: str, kind: str) -> list[Noun]:
    """Nouns of a comma-separated list; `:p` marks the plural ones."""
    parts = [part.strip().partition(":") for part in words.split(",") if part.strip()]
    return [Noun(text, kind, int(form == "p")) for text, _, form in parts]


def expand(rng: random.Random, template: str, noun: Noun | None = None, **words: str) -> str:
    """The clause that `template` gives for `noun`, its choices drawn from `rng`."""
    text = CHOICE.sub(lambda match: rng.choice(match[1].split("/")), template)
    if noun:
        text = AGREEMENT.sub(lambda match: match[1].split("|")[noun.form], text)
        words = {"x": noun.text, "acc": noun.accusative, **words}
    return text.format(**words)


def _head(text: str) -> int:
    """Where the noun stands in a Russian phrase: after its adjectives, before what depends on it."""
    words = text.split()
    return next((index for index, word in enumerate(words) if not ADJECTIVE.search(word)), len(words) - 1)
