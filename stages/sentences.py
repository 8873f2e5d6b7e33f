"""Sentences of reviews, and which category each speaks of."""

import polars as pl

from stages.lemmas import lemmas_of

ENDS = r"([.!?…]+[\"»”)\]]*)\s+|\n+"


def series(texts: list[str]) -> pl.Series:
    """A column of texts, of its type even when empty."""
    return pl.Series(texts, dtype=pl.String)


def split(texts: pl.Series) -> pl.Series:
    """Each text as the list of its sentences: cut after a stop that a space follows, and at line ends.

    >>> split(pl.Series(["Rolls were fresh! Staff, not so... 4.5 of 5"])).to_list()
    [['Rolls were fresh!', 'Staff, not so...', '4.5 of 5']]
    """
    cut = texts.fill_null("").str.replace_all(ENDS, "${1}\n").str.split("\n")
    return cut.list.eval(pl.element().str.strip_chars().filter(pl.element().str.contains(r"[\pL\pN]")))


def tag(texts: pl.Series, categories: dict[str, tuple[str, ...]], language: str) -> pl.Series:
    """The category of each sentence: the one whose words it holds most of, lemma by lemma; "" where it holds none.

    Of equally many the category that is declared first. The words may be declared in any form: both sides are taken
    back to lemmas.

    >>> tag(pl.Series(["Официантка улыбалась", "Роллы вкусные"]), {"еда": ("ролл",), "люди": ("официантка",)}, "ru").to_list()
    ['люди', 'еда']
    """  # noqa: E501
    declared = [(name, word) for name, words in categories.items() for word in words]
    lemmas = lemmas_of([word for _, word in declared], language)
    known = pl.DataFrame(
        [(lemma, name) for (name, _), found in zip(declared, lemmas, strict=True) for lemma in found],
        schema={"lemma": pl.String, "category": pl.String}, orient="row",
    ).unique()  # fmt: skip
    said = pl.DataFrame({"at": range(texts.len()), "lemma": pl.Series(lemmas_of(texts.to_list(), language),
                         dtype=pl.List(pl.String))}).explode("lemma")  # fmt: skip
    order = {name: place for place, name in enumerate(categories)}
    best = (
        said.join(known, on="lemma")
        .group_by("at", "category").len()
        .with_columns(order=pl.col("category").replace_strict(order, return_dtype=pl.Int64))
        .sort("at", -pl.col("len").cast(pl.Int64), "order")
        .unique("at", keep="first", maintain_order=True)
    )  # fmt: skip
    found = dict(best.select("at", "category").rows())
    return pl.Series("category", [found.get(at, "") for at in range(texts.len())], dtype=pl.String)
