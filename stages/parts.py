"""A word form: its lemma, and what its part of speech lets it be in a keyword.

Russian comes from pymorphy3, English from HanTa (Wartena 2023, The Hanover Tagger), whose tags are those of the British
National Corpus (CLAWS 5); Korean words come with a tag of Kiwi's. Of another language nothing is known: the word stands
as it is, and every longer one may be a noun. In Russian a form is taken for its likeliest part of speech; in English,
where half of all nouns are verbs too, the word before may say otherwise (`in_place`).
"""

import re
from functools import cache, lru_cache

import numpy as np

SHORTEST = {"ru": 3, "en": 3, "ko": 2}  # letters of a keyword
FALLBACK_SHORTEST = 4
NOUN, MODIFIER, FOLLOWER = 1, 2, 4  # bits of a kind: may be a keyword; may stand before a noun; may stand after one
# Further bits, of English: a noun where one is due; another part of speech where one is due; makes a noun, a verb due.
NOUN_TOO, OTHER_TOO, NOUN_NEXT, VERB_NEXT = 8, 16, 32, 64
KOREAN_NOUNS = ("NNG", "NNP")
# Words that say nothing of what is reviewed; for English scikit-learn's list holds the rest.
EMPTY = {
    "ru": """
    раз год месяц неделя день время итог слово случай течение протяжение образ причина вариант сторона начало конец
    отзыв комментарий вещь дело человек место час минута секунда утро вечер ночь тысяча рубль пара половина
    хороший плохой отличный прекрасный ужасный лучший худший новый самый данный большой маленький огромный отдельный
    настоящий обычный последний следующий любимый замечательный главный полный целый нормальный
    """,
    "en": """
    lot way bit thought watch love feel good year time day thing people didn doesn don isn wasn aren weren couldn
    wouldn shouldn hasn haven hadn guess wish hate worth cool http https www com hour minute second week month
    """,
    "ko": """
    영화 생각 정도 이상 이하 이전 이후 사람 시간 느낌 자체 부분 처음 지금 요즘 이제 평점 점수 이유 동안 경우 사실 모습
    필요 당시 전체 중간 나중 오랜만 그동안 정말 진짜 최고 최악 오늘 어제 내일
    """,
}
EMPTY = {language: frozenset(words.split()) for language, words in EMPTY.items()}
NEARLY = 3.0  # nats: a part of speech that is less likely than the likeliest by no more than this is possible too
# A form that HanTa never met is judged by its ending: three in four forms of a corpus are names, misspelt or new, and
# HanTa's guess at one takes 0.2 ms, longer than all else together.
NOT_NOUNS = re.compile(r"\w{2,}(?:ly|ing|ed|able|ible|less|ful|ous|ic|al|ive|ish|est)")
CALLS = {
    NOUN_NEXT: "a an the this these those my your his her its our their no every each some any another",
    VERB_NEXT: "to will would can could should must may might i you he she we they who t ll not never",
}
CALLS = {word: call for call, words in CALLS.items() for word in words.split()}


def word_kind(word: str, tag: str, language: str) -> tuple[str, int]:
    """The lemma of a lower-case word (a mark has none) and its kind; `tag` is Kiwi's, for Korean alone."""
    if tag:
        lemma = "" if tag[0] == "S" and tag not in ("SL", "SH", "SN") else word
        kind = NOUN | FOLLOWER if tag in KOREAN_NOUNS else 0
    elif not re.search(r"\w", word):
        lemma, kind = "", 0
    elif word[0] == "[":
        lemma, kind = word, 0
    else:
        lemma, kind = {"ru": _russian, "en": _english}.get(language, _fallback)(word)
    dull = len(lemma) < SHORTEST.get(language, FALLBACK_SHORTEST) or lemma in EMPTY.get(language, ())
    return lemma, kind & (NOUN_NEXT | VERB_NEXT) if dull else kind


def in_place(kinds: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """English kinds (UInt8, of each token in order; `rows`: its text) with a say for the word before.

    A form that may be a noun is one after "the", and a form that may be a verb is none after "to": of "The score, they
    score" the first is.
    """
    before = np.where(rows[1:] == rows[:-1], kinds[:-1], 0)
    before = np.concatenate([np.zeros(min(len(kinds), 1), kinds.dtype), before.astype(kinds.dtype)])
    made = kinds.copy()
    made[(before & NOUN_NEXT > 0) & (kinds & NOUN_TOO > 0)] |= NOUN | FOLLOWER
    made[(before & VERB_NEXT > 0) & (kinds & OTHER_TOO > 0)] &= ~np.uint8(NOUN | FOLLOWER)
    return made


@cache
def _russian(word: str) -> tuple[str, int]:
    """The likeliest parse of a word form; Latin words and numbers stay as they are."""
    if not re.search("[а-яё]", word):
        return word, 0
    parse = morph().parse(word)[0]
    tag = parse.tag
    kind = 0
    if "NOUN" in tag and not {"Name", "Patr", "Surn"} & tag.grammemes:
        kind = NOUN | (FOLLOWER if "gent" in tag else 0)
    elif ("ADJF" in tag or "PRTF" in tag) and not {"Apro", "Anum"} & tag.grammemes:
        kind = MODIFIER
    return parse.normal_form, kind


@cache
def _english(word: str) -> tuple[str, int]:
    """The lemma of the noun that the word may be, else of its likeliest part of speech."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    due = CALLS.get(word, 0)
    if not word.isalpha():
        return word, 0
    if word in tagger().cache:
        tags = tagger().tag_word(word)  # the likeliest first
        near = [tag for tag, nats in tags if nats > tags[0][1] - NEARLY]
        nouns = [tag for tag in near if tag[:2] in ("NN", "NP")]
        lemma = tagger().analyze(word, (nouns or near)[0])[0].lower()
        likely, other = near[0] in nouns, len(nouns) < len(near)
    else:
        lemma, nouns = _singular(word), [word]
        likely, other = not NOT_NOUNS.fullmatch(word), NOT_NOUNS.fullmatch(word) is not None or lemma != word
    if not nouns or {word, lemma} & ENGLISH_STOP_WORDS:
        return lemma, due
    return lemma, due | NOUN_TOO | (NOUN | FOLLOWER if likely else 0) | (OTHER_TOO if other else 0)


def _singular(word: str) -> str:
    """A form unknown to HanTa without the ending of a plural; short words in -ies are slang, which has -ie.

    >>> [_singular(word) for word in ("gunfights", "zombies", "bullies", "frivolities", "xboxes", "kurtz", "boss")]
    ['gunfight', 'zombie', 'bully', 'frivolity', 'xbox', 'kurtz', 'boss']
    """
    if re.fullmatch(r"\w{2,}ies", word):
        word_in_y = word[:-3] + "y"
        return word_in_y if len(word) > 7 or word_in_y in tagger().cache else word[:-1]
    if re.fullmatch(r"\w+(?:ss|sh|ch|x)es", word):
        return word[:-2]
    return word[:-1] if re.fullmatch(r"\w{2,}[^sui\W]s", word) else word


def _fallback(word: str) -> tuple[str, int]:
    """The word as it stands; one of letters alone may be a keyword."""
    return word, NOUN if word.isalpha() else 0


@lru_cache(maxsize=1)
def morph():
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=1)
def tagger():
    from HanTa.HanoverTagger import HanoverTagger

    return HanoverTagger("morphmodel_en.pgz")  # the package's own
