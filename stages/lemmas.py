"""Words of reviews: their lemmas, and what each may be in a keyword.

What a single form is, `parts` knows. Each form is looked up once, so that a long table costs as much as its vocabulary
(Korean apart, whose words have to be cut out of each text anew).
"""

from array import array
from functools import lru_cache
from itertools import pairwise

import numpy as np
import polars as pl

from stages.parts import in_place, word_kind

# A placeholder such as [phone] is one word, and never a keyword; a mark stands alone and parts the words around it.
WORD = r"\[\w+\]|\w+(?:-\w+)*|[^\w\s]"
MARK = 0  # the number of every mark: no lemma
WORKERS = 2


def method_of(language: str) -> str:
    """What finds this language's lemmas: "pymorphy3", "kiwipiepy", "hanta", or "fallback", which finds none."""
    return {"ru": "pymorphy3", "ko": "kiwipiepy", "en": "hanta"}.get(language, "fallback")


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
        rows = np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths)
        kinds = np.array(self._kind, dtype=np.uint8)[forms]
        kinds = in_place(kinds, rows) if self.language == "en" else kinds
        return pl.DataFrame({"row": rows, "lemma": np.array(self._lemma, dtype=np.uint32)[forms], "kind": kinds})

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
        found = kiwi(self.workers).tokenize([text or " " for text in texts])  # an iterator, in the order of the texts
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


@lru_cache(maxsize=1)
def kiwi(workers: int):
    import kiwipiepy

    return kiwipiepy.Kiwi(num_workers=workers)  # whatever their number: the same tokens
