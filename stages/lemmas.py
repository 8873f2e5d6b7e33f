"""Words of reviews: their lemmas, and what each may be in a keyword.

Russian lemmas and parts of speech come from pymorphy3, Korean ones from Kiwi. English has a plain rule that takes
plurals back to the singular, and endings in place of parts of speech. Any other language falls back to lower-case word
forms: no lemmas, every longer word may be a noun. Each word form is looked up once, so that a long table costs as much
as its vocabulary (Korean apart, whose words have to be cut out of each text anew).
"""

import re
from array import array
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import polars as pl

# A placeholder such as [phone] is one word, and never a keyword; a mark stands alone and parts the words around it.
WORD = r"\[\w+\]|\w+(?:-\w+)*|[^\w\s]"
SHORTEST = {"ru": 3, "en": 3, "ko": 2}  # letters of a keyword
FALLBACK_SHORTEST = 4
NOUN, MODIFIER, FOLLOWER = 1, 2, 4  # bits of a kind: may be a keyword; may stand before a noun; may stand after one
MARK = 0  # the number of every mark: no lemma
KOREAN_NOUNS = ("NNG", "NNP")
WORKERS = 2
# Words that say nothing of what is reviewed; for English scikit-learn's list holds the rest.
EMPTY = {
    "ru": """
    раз год месяц неделя день время итог слово случай течение протяжение образ причина вариант сторона начало конец
    отзыв комментарий вещь дело человек место час минута секунда утро вечер ночь тысяча рубль пара половина
    хороший плохой отличный прекрасный ужасный лучший худший новый самый данный большой маленький огромный отдельный
    настоящий обычный последний следующий любимый замечательный главный полный целый нормальный
    """,
    "en": """
    just really quite very also even still much many lot way bit got get getting make made know think thought say said
    see saw seen watch want like love loved feel felt good great bad best worst better nice well little big long short
    year time day thing people didn doesn don isn wasn aren weren couldn wouldn shouldn hasn haven hadn maybe actually
    pretty guess instead forever wish hate worth told lent grew stupid cheap perfect special horrible terrible awful
    scary weird worse cool slow dull fast http https www com hour minute second week month
    """,
    "ko": """
    영화 생각 정도 이상 이하 이전 이후 사람 시간 느낌 자체 부분 처음 지금 요즘 이제 평점 점수 이유 동안 경우 사실 모습
    필요 당시 전체 중간 나중 오랜만 그동안 정말 진짜 최고 최악 오늘 어제 내일
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


def method_of(language: str) -> str:
    """What finds this language's lemmas: "pymorphy3", "kiwipiepy", "rule", or "fallback", which finds none."""
    return {"ru": "pymorphy3", "ko": "kiwipiepy", "en": "rule"}.get(language, "fallback")


def lemmas_of(texts: list[str], language: str) -> list[list[str]]:
    """Every lemma of each text, in order, lower case.

    >>> lemmas_of(["Пиццу ждали час"], "ru"), lemmas_of(["Two movies"], "en"), lemmas_of(["Zwei Filme"], "de")
    ([['пицца', 'ждать', 'час']], [['two', 'movie']], [['zwei', 'filme']])
    """
    words = Words(language)
    tokens = words.read(pl.Series(texts, dtype=pl.String))
    tokens = tokens.filter(pl.col("lemma") != MARK)
    tokens = tokens.with_columns(word=words.names().gather(tokens["lemma"]))
    said = pl.DataFrame({"row": np.arange(len(texts), dtype=np.uint32)}).join(
        tokens.group_by("row", maintain_order=True).agg("word"), on="row", how="left", maintain_order="left"
    )
    return said["word"].fill_null([]).to_list()


def said_in(texts: list[str], language: str) -> list[set[str]]:
    """What each text says that a keyword could ask for: its lemmas, and its neighbouring lemmas as pairs.

    >>> sorted(said_in(["Детская площадка"], "ru")[0])
    ['детский', 'детский площадка', 'площадка']
    """
    said = lemmas_of(texts, language)
    return [{*lemmas, *(f"{first} {second}" for first, second in pairwise(lemmas))} for lemmas in said]


class Words:
    """The word forms met so far: of each, the number of its lemma and its kind.

    Numbers follow the order in which forms are first met, whatever the blocks they come in.
    """

    def __init__(self, language: str, workers: int = WORKERS):
        self.language, self.workers = language, workers
        self.lemmas: list[str] = [""]  # by number; 0 is MARK
        self._numbers: dict[str, int] = {}
        self._forms: dict[object, int] = {}
        self._lemma, self._kind = array("I"), array("B")  # by number of the form

    def read(self, texts: pl.Series) -> pl.DataFrame:
        """Tokens of `texts` in order: row (UInt32, from 0), lemma (UInt32, MARK for a mark), kind (UInt8, bits)."""
        lengths, forms = self._korean(texts) if self.language == "ko" else self._plain(texts)
        return pl.DataFrame(
            {
                "row": np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths),
                "lemma": np.array(self._lemma, dtype=np.uint32)[forms],
                "kind": np.array(self._kind, dtype=np.uint8)[forms],
            }
        )

    def names(self) -> pl.Series:
        """The lemmas by number."""
        return pl.Series(self.lemmas, dtype=pl.String)

    def _plain(self, texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """How many tokens each text has, and the number of each token's form."""
        tokens = texts.fill_null("").str.to_lowercase().str.extract_all(WORD)
        flat = tokens.filter(tokens.list.len() > 0).explode().rename("form")
        known = flat.unique(maintain_order=True)
        numbers = [self._number(form, form) for form in known]
        table = pl.DataFrame({"form": known, "number": pl.Series(numbers, dtype=pl.UInt32)})
        joined = flat.to_frame().join(table, on="form", how="left", maintain_order="left")
        return tokens.list.len().to_numpy(), joined["number"].to_numpy()

    def _korean(self, texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        found = _kiwi(self.workers).tokenize([text or " " for text in texts])  # an iterator, in the order of the texts
        lengths, forms, known = array("I"), array("I"), self._forms
        for tokens in found:
            lengths.append(len(tokens))
            for token in tokens:
                form = (token.form, token.tag)
                number = known.get(form)
                forms.append(self._number(form, form[0].lower()) if number is None else number)
        return np.array(lengths, dtype=np.uint32), np.array(forms, dtype=np.uint32)

    def _number(self, form: object, word: str) -> int:
        """The number of a form; a new one is analysed."""
        number = self._forms.get(form)
        if number is None:
            lemma, kind = word_kind(word, form[1] if isinstance(form, tuple) else "", self.language)
            number = self._forms[form] = len(self._lemma)
            if lemma and lemma not in self._numbers:
                self._numbers[lemma] = len(self.lemmas)
                self.lemmas.append(lemma)
            self._lemma.append(self._numbers[lemma] if lemma else MARK)
            self._kind.append(kind)
        return number


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
    return lemma, 0 if dull else kind


@cache
def _russian(word: str) -> tuple[str, int]:
    """The likeliest parse of a word form; Latin words and numbers stay as they are."""
    if not re.search("[а-яё]", word):
        return word, 0
    parse = _morph().parse(word)[0]
    tag = parse.tag
    kind = 0
    if "NOUN" in tag and not {"Name", "Patr", "Surn"} & tag.grammemes:
        kind = NOUN | (FOLLOWER if "gent" in tag else 0)
    elif ("ADJF" in tag or "PRTF" in tag) and not {"Apro", "Anum"} & tag.grammemes:
        kind = MODIFIER
    return parse.normal_form, kind


@cache
def _english(word: str) -> tuple[str, int]:
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
    noun = lemma.isalpha() and not stop and (lemma in NOUNS or not NOT_NOUNS.fullmatch(lemma))
    return lemma, NOUN | FOLLOWER if noun else 0


def _fallback(word: str) -> tuple[str, int]:
    """The word as it stands; one of letters alone may be a keyword."""
    return word, NOUN if word.isalpha() else 0


@lru_cache(maxsize=1)
def _morph():
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=1)
def _kiwi(workers: int):
    import kiwipiepy

    return kiwipiepy.Kiwi(num_workers=workers)  # whatever their number: the same tokens
