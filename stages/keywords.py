"""Lemmas and keywords of reviews in Russian, English and Korean.

Russian lemmas and parts of speech come from pymorphy3, Korean ones from Kiwi. English has a plain rule that takes
plurals back to the singular, and endings in place of parts of speech: a first version, honest about it.
"""

import math
import re
from collections import Counter
from functools import cache, lru_cache

WORD = re.compile(r"\[\w+\]|\w+(?:-\w+)*")  # a placeholder such as [phone] is one word, and never a keyword
SHORTEST = {"ru": 3, "en": 3, "ko": 2}  # letters of a keyword
FEWEST = 2  # reviews to train on that have it: a word met once is a misspelling or a name that nothing can be learnt of
KOREAN_NOUNS = ("NNG", "NNP")
# Words that say nothing of what is reviewed; for English scikit-learn's list holds the rest.
EMPTY = {
    "ru": """
    раз год месяц неделя день время итог слово случай течение протяжение образ причина вариант сторона начало конец
    отзыв комментарий вещь дело человек место
    """,
    "en": """
    just really quite very also even still much many lot way bit got get getting make made know think thought say said
    see saw seen watch want like love loved feel felt good great bad best worst better nice well little big long short
    year time day thing people didn doesn don isn wasn aren weren couldn wouldn shouldn hasn haven hadn maybe actually
    pretty guess instead forever wish hate worth told lent grew stupid cheap perfect special horrible terrible awful
    scary weird worse cool slow dull fast http https www com
    """,
    "ko": """
    영화 생각 정도 이상 이하 이전 이후 사람 시간 느낌 자체 부분 처음 지금 요즘 이제 평점 점수 이유 동안 경우 사실 모습
    필요 당시 전체 중간 나중 오랜만 그동안 정말 진짜
    """,
}
EMPTY = {language: frozenset(words.split()) for language, words in EMPTY.items()}
# An English word with these endings is hardly ever a noun; the nouns that have them follow.
NOT_NOUNS = re.compile(r"\w{2,}(?:ly|ing|ed|able|ible|less|ful|ous)")
NOUNS = frozenset(
    """
    family fly jelly belly ally bully butterfly italy assembly anomaly monopoly ending acting lighting casting wedding
    building painting evening morning feeling meeting king ring wing string spring thing song being ceiling
    clothing dressing parking seating pudding setting shooting opening editing writing breed speed seed weed greed need
    feed shed table vegetable stable bible
    """.split()  # noqa: SIM905
)
SAME = frozenset(
    """
    series species christmas texas vegas dallas thomas james holmes hanks charles williams lens news jones
    """.split()  # noqa: SIM905
)
IRREGULAR = {"children": "child", "women": "woman", "men": "man", "wives": "wife", "lives": "life", "mice": "mouse",
             "feet": "foot", "teeth": "tooth", "wolves": "wolf", "movies": "movie", "zombies": "zombie",
             "cookies": "cookie", "shoes": "shoe", "headaches": "headache"}  # fmt: skip


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

    Candidates are nouns (English: what does not look like another part of speech) outside the row's own rubrics, in
    at least FEWEST of the reviews of `fit_on` and at most `max_share` of them. They are weighed by TF-IDF (Spärck
    Jones 1972). Counts come from the reviews of `fit_on` alone, so that no test row has a say; ties go to the earlier
    word. Each keyword is a lemma of its text.
    """
    analysed = _analyse(texts, language)
    own = [set(lemmas) for lemmas in lemmas_of(rubrics, language)]
    nouns = [
        [lemma for lemma, noun in words if noun and len(lemma) >= SHORTEST[language] and lemma not in EMPTY[language]]
        for words in analysed
    ]
    known = Counter(lemma for words, fit in zip(nouns, fit_on, strict=True) if fit for lemma in set(words))
    total = sum(fit_on)
    idf = {lemma: math.log((1 + total) / n) for lemma, n in known.items() if FEWEST <= n <= max_share * total}
    chosen = []
    for words, rubric in zip(nouns, own, strict=True):
        counts = Counter(word for word in words if word in idf and word not in rubric)
        order = {word: at for at, word in reversed(list(enumerate(words)))}
        best = sorted(counts, key=lambda word: (-counts[word] * idf[word], order[word]))[:most]
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
    """The singular of a word, and whether it may be a noun."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    lemma = word
    if word in IRREGULAR or word in SAME:
        lemma = IRREGULAR.get(word, word)
    elif re.fullmatch(r"\w{2,}ies", word):
        lemma = word[:-3] + "y"
    elif re.fullmatch(r"\w+(?:ss|sh|ch|x|o)es", word):
        lemma = word[:-2]
    elif re.fullmatch(r"\w{2,}[^sui\W]s", word):
        lemma = word[:-1]
    stop = {word, lemma} & ENGLISH_STOP_WORDS
    return lemma, lemma.isalpha() and not stop and (lemma in NOUNS or not NOT_NOUNS.fullmatch(lemma))


@lru_cache(maxsize=1)
def _morph():
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=1)
def _kiwi():
    import kiwipiepy

    return kiwipiepy.Kiwi(num_workers=2)  # one worker or two: the same tokens
