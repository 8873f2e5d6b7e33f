"""Grammatical tags of a text's words in order: what has to agree, without what is spoken of.

Russian forms get the grammemes of their likeliest parse (pymorphy3, OpenCorpora's tag set), English forms their
likeliest tag (HanTa, CLAWS 5), Korean morphemes Kiwi's. A mark is its own tag, and so is each word of another language.
"""

import re
from collections.abc import Callable
from functools import cache

from stages import lemmas, parts

TOKEN = re.compile(r"\[\w+\]|\w+|[^\w\s]")  # a placeholder such as [phone] is one word


def tagged(texts: list[str], language: str) -> list[list[str]]:
    """The tags of each text.

    >>> tagged(["Вкусная пицца!", "Вкусная пиццы"], "ru")
    [['ADJF.nomn.sing.femn', 'NOUN.nomn.sing.femn', '!'], ['ADJF.nomn.sing.femn', 'NOUN.gent.sing.femn']]
    >>> tagged(["The film was fine."], "en"), tagged(["Zwei Filme!"], "de")
    ([['AT0', 'NN1', 'VBD', 'AJ0', '.']], [['zwei', 'filme', '!']])
    """
    if language == "ko":
        return [[token.tag for token in tokens] for tokens in lemmas.kiwi(lemmas.WORKERS).tokenize(texts)]
    tag_of: Callable[[str], str] = {"ru": _russian, "en": _english}.get(language, str)
    return [[_of_token(token, tag_of) for token in TOKEN.findall(text.lower())] for text in texts]


def _of_token(token: str, tag_of: Callable[[str], str]) -> str:
    """A number's tag is 0, a mark's and a placeholder's the token itself."""
    return tag_of(token) if token[0].isalpha() else "0" if token[0].isdigit() else token


@cache
def _russian(word: str) -> str:
    tag = parts.morph().parse(word)[0].tag
    named = (tag.POS, tag.case, tag.number, tag.gender, tag.person, tag.tense)
    return ".".join(filter(None, named)) or str(tag).partition(",")[0]


@cache
def _english(word: str) -> str:
    return parts.tagger().tag_word(word)[0][0]
