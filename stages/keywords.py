"""Lemmas and keywords of reviews in Russian, English and Korean.

Russian lemmas and parts of speech come from pymorphy3, Korean ones from Kiwi. English has a plain rule that takes
plurals back to the singular and no part of speech: a first version, honest about it.
"""

import math
import re
from collections import Counter
from functools import cache, lru_cache

WORD = re.compile(r"\[\w+\]|\w+(?:-\w+)*")  # a placeholder such as [phone] is one word, and never a keyword
SHORTEST = {"ru": 3, "en": 3, "ko": 2}  # letters of a keyword
KOREAN_NOUNS = ("NNG", "NNP")
# English words that say nothing of what is reviewed; scikit-learn's list holds the rest.
ENGLISH_EMPTY = frozenset(
    [
        "just",
        "really",
        "quite",
        "very",
        "also",
        "even",
        "still",
        "much",
        "many",
        "lot",
        "lots",
        "thing",
        "things",
        "way",
        "bit",
        "got",
        "get",
        "gets",
        "getting",
        "make",
        "makes",
        "made",
        "making",
        "know",
        "think",
        "thought",
        "say",
        "said",
        "see",
        "saw",
        "seen",
        "watch",
        "watched",
        "watching",
        "want",
        "wanted",
        "like",
        "liked",
        "love",
        "loved",
        "feel",
        "felt",
        "feels",
        "good",
        "great",
        "bad",
        "best",
        "worst",
        "better",
        "nice",
        "well",
        "little",
        "big",
        "long",
        "short",
        "year",
        "years",
        "time",
        "times",
        "day",
    ]
)


def lemmas_of(texts: list[str], language: str) -> list[list[str]]:
    """Every lemma of each text, in order, lower case.

    >>> lemmas_of(["Пиццу ждали час"], "ru"), lemmas_of(["Two movies"], "en")
    ([['пицца', 'ждать', 'час']], [['two', 'movie']])
    """
    return [[lemma for lemma, _ in words] for words in _analyse(texts, language)]


def keywords(
    texts: list[str], language: str, most: int, max_share: float, rubrics: list[str], fit_on: list[bool]
) -> list[list[str]]:
    """Up to `most` lemmas of each text that are specific to it, in their order in the text; often fewer.

    Candidates are nouns (English: words that are not stop words) outside the row's own rubrics and in at most
    `max_share` of the reviews. They are weighed by TF-IDF (Spärck Jones 1972) with document counts from the rows of
    `fit_on` alone, so that no test row has a say; ties go to the earlier word. Each keyword is a lemma of its text.
    """
    analysed = _analyse(texts, language)
    own = [set(lemmas) for lemmas in lemmas_of(rubrics, language)]
    nouns = [[lemma for lemma, noun in words if noun and len(lemma) >= SHORTEST[language]] for words in analysed]
    known = Counter(lemma for words, fit in zip(nouns, fit_on, strict=True) if fit for lemma in set(words))
    total = max(1, sum(fit_on))
    everywhere = Counter(lemma for words in nouns for lemma in set(words))
    common = {lemma for lemma, n in everywhere.items() if n > max_share * len(texts)}
    chosen = []
    for words, rubric in zip(nouns, own, strict=True):
        counts = Counter(word for word in words if word not in rubric and word not in common)
        order = {word: at for at, word in reversed(list(enumerate(words)))}
        weight = {word: n * math.log((1 + total) / (1 + known[word])) for word, n in counts.items()}
        best = sorted(counts, key=lambda word: (-weight[word], order[word]))[:most]
        chosen.append(sorted(best, key=order.__getitem__))
    return chosen


def _analyse(texts: list[str], language: str) -> list[list[tuple[str, bool]]]:
    """Each text as (lemma, may be a keyword) pairs."""
    if language == "ko":
        found = _kiwi().tokenize([text or " " for text in texts])
        return [[(token.form.lower(), token.tag in KOREAN_NOUNS) for token in tokens] for tokens in found]
    word = _russian if language == "ru" else _english
    return [[word(match.lower()) for match in WORD.findall(text)] for text in texts]


@cache
def _russian(word: str) -> tuple[str, bool]:
    """The likeliest parse of a word form; Latin words and numbers stay as they are."""
    if not re.search("[а-яё]", word):
        return word, False
    parse = _morph().parse(word)[0]
    tag = parse.tag
    return parse.normal_form, "NOUN" in tag and not {"Name", "Patr", "Surn"} & tag.grammemes


@cache
def _english(word: str) -> tuple[str, bool]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    lemma = word
    if len(word) > 4 and word.endswith("ies"):
        lemma = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        lemma = word[:-1]
    stop = word in ENGLISH_STOP_WORDS or lemma in ENGLISH_STOP_WORDS or lemma in ENGLISH_EMPTY or word in ENGLISH_EMPTY
    return lemma, lemma.isalpha() and not stop


@lru_cache(maxsize=1)
def _morph():
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=1)
def _kiwi():
    import kiwipiepy

    return kiwipiepy.Kiwi(num_workers=2)
