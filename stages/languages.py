"""The language of each review: by its script where that decides, else by words, else by a classifier; or undecided.

The classifier (py3langid, after Lui and Baldwin, "langid.py", ACL 2012) takes near a millisecond a text and is sure of
itself on three words, so it is asked last, about texts of LEAST letters or more, and believed only when it is SURE.
"""

import functools

import polars as pl

from stages.threads import at_once, shares

UNDECIDED = "und"  # ISO 639-2's code for it
LEAST = 20  # letters
SURE = 0.9  # probability among the languages of the same script
READ = 200  # characters that the classifier sees

# script → (the language it decides, the share of a text's letters that is enough). A few words in another script are
# names and titles: a Korean review that is four fifths English film title is Korean, for only a Korean writes the rest.
SCRIPTS = {
    "Hangul": ("ko", 0.1), "Hiragana": ("ja", 0.1), "Katakana": ("ja", 0.3), "Cyrillic": ("", 0.3), "Han": ("zh", 0.3),
    "Greek": ("el", 0.5), "Arabic": ("ar", 0.5), "Hebrew": ("he", 0.5), "Thai": ("th", 0.5), "Devanagari": ("hi", 0.5),
    "Armenian": ("hy", 0.5), "Georgian": ("ka", 0.5), "Latin": ("", 0.5),
}  # fmt: skip
# What a script leaves open, the classifier is asked to tell among.
SEVERAL = {
    "Cyrillic": ("ru", "uk", "be", "bg", "sr", "mk", "kk", "mn", "tg"),
    "Latin": (
        "en",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "pl",
        "cs",
        "sk",
        "ro",
        "hu",
        "sv",
        "da",
        "fi",
        "tr",
        "id",
        "vi",
    ),
}
KNOWN = tuple(
    sorted({language for language, _ in SCRIPTS.values() if language} | {x for s in SEVERAL.values() for x in s})
)

# Letters that Russian has and Bulgarian, Serbian, Macedonian have not; letters that Russian has not.
RUSSIAN, NOT_RUSSIAN = "(?i)[ыэё]", "(?i)[іїєґўјљњћџђѓќѕәғқңөұүһӣӯҳҷ]"
ENGLISH = r"(?i)(?-u:\b)(?:the|and|of|this|that|you|with|but|have|it's)(?-u:\b)"
PLACEHOLDER = r"\[(?:email|handle|link|card|phone)\]"


def identify(text: pl.Series) -> pl.Series:
    """The ISO 639 code of each text's language, UNDECIDED where it is too short or nothing is sure; no text alters
    another's.

    >>> identify(pl.Series(["정말 좋은 영화", "Это было вкусно", "and that is all of it", "10/10"])).to_list()
    ['ko', 'ru', 'en', 'und']
    """
    return pl.concat(at_once(_identify, shares(text))).rename("language")


def _identify(text: pl.Series) -> pl.Series:
    """The same of some of the texts."""
    text = text.fill_null("").str.replace_all(PLACEHOLDER, "")
    only = {script: text.str.contains(rf"\p{{{script}}}") for script in ("Hangul", "Cyrillic", "Latin")}
    script = pl.select(
        pl.coalesce(
            pl.when(found & ~text.str.contains(rf"[\p{{L}}--\p{{{name}}}]")).then(pl.lit(name))
            for name, found in only.items()
        )
    ).to_series()
    mixed = script.is_null().arg_true()
    script = script.scatter(mixed, _script(text.gather(mixed)))
    code = script.replace_strict({name: code for name, (code, _) in SCRIPTS.items()}, default=UNDECIDED)
    for name, tell in (("Cyrillic", _cyrillic), ("Latin", _latin), ("Han", _han)):
        rows = (script == name).fill_null(False).arg_true()
        code = code.scatter(rows, tell(text.gather(rows)))
    return code


def _script(text: pl.Series) -> pl.Series:
    """The first of SCRIPTS that has its share of each text's letters, else null."""
    letters = text.str.count_matches(r"\p{L}")
    enough = (
        pl.when((letters > 0) & (text.str.count_matches(rf"\p{{{name}}}") >= share * letters)).then(pl.lit(name))
        for name, (_, share) in SCRIPTS.items()
    )
    return pl.select(pl.coalesce(enough)).to_series()


def _cyrillic(text: pl.Series) -> pl.Series:
    russian = text.str.contains(RUSSIAN) & ~text.str.contains(NOT_RUSSIAN)
    return _ask(text, "Cyrillic", "ru", russian)


def _latin(text: pl.Series) -> pl.Series:
    """English where a twelfth of the words, and two at least, are its commonest."""
    common, words = text.str.count_matches(ENGLISH), text.str.count_matches(r"\s") + 1
    return _ask(text, "Latin", "en", (common >= 2) & (common * 12 >= words))


def _han(text: pl.Series) -> pl.Series:
    """Chinese from six signs on: Koreans write 最高 and 乃 too."""
    return text.str.contains(r"\p{Han}.*(?:\p{Han}.*){5}").replace_strict(
        {True: "zh", False: UNDECIDED}, return_dtype=pl.String
    )


def _ask(text: pl.Series, script: str, decided: str, is_decided: pl.Series) -> pl.Series:
    """`decided` where it is, the classifier's word where a text is long enough and the classifier sure."""
    code = pl.select(pl.when(is_decided).then(pl.lit(decided)).otherwise(pl.lit(UNDECIDED))).to_series()
    open_ = (~is_decided).arg_true()
    open_ = open_.filter(text.gather(open_).str.count_matches(rf"\p{{{script}}}") >= LEAST)
    if not open_.len():
        return code
    told = [_classifier(script).classify(one[:READ]) for one in text.gather(open_)]
    return code.scatter(open_, [language if sure >= SURE else UNDECIDED for language, sure in told])


@functools.cache
def _classifier(script: str):
    """Read on first use: it takes two seconds, and most tables need none."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    classifier.set_languages(list(SEVERAL[script]))
    return classifier
