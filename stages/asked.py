"""A row of anybody's file as what a task's prompt is made of, plain by the rules of clean; or what is wrong with it.

    {"text": "<b>Good</b>  film"}   of sentiment_label   → {"text": "Good film"}
    {"rating": "6"}                 of review_generation → Unfit("rating is 6: a whole number from 1 to 5 is wanted")

A row needs what the prompt reads, not what a target is made of: nobody knows the mark that is asked for.
"""

import polars as pl

from stages import params, rules, sentences, summaries, text

# task → the columns that its prompt is made of
NEEDED = {
    "review_generation": ("rating",),
    "review_summary": ("reviews",),
    "sentiment_label": ("text",),
    "sentiment_text": ("text",),
    "answer_score": ("question", "guide", "text"),
}
WELCOME = {"review_generation": ("rubrics", "keywords")}
MOST_KEYWORDS, MIDDLE = 6, 3  # MIDDLE: the stars of a review that comes without
RATINGS = "12345"


class Unfit(ValueError):
    """A row that cannot be asked; the text says what is wrong with it, for the row's own `error`."""


def columns(task: str) -> tuple[str, ...]:
    """The columns of a file that the task reads: those it needs, then those it takes where they are there."""
    return NEEDED[task] + WELCOME.get(task, ())


def fit(row: dict, task: str, rows: params.Rows, language: str) -> dict:
    """The row as the task's prompt function takes it. Raises Unfit.

    rows: of the recipe, whose categories a summary has; language: the one that its sentences are told apart in.
    """
    lacking = [name for name in NEEDED[task] if name not in row or row[name] is None]
    if lacking:
        raise Unfit(f"no {', '.join(lacking)}")
    if task == "review_generation":
        told = plain([_text(row.get("rubrics") or "", "rubrics", joined=";"), *_listed(row.get("keywords"))])
        return {"rating": _stars(row["rating"]), "rubrics": told[0], "keywords": [one for one in told[1:] if one]}
    if task == "review_summary":
        return gathered(_reviews(row["reviews"]), rows.gather, language)
    told = dict(zip(NEEDED[task], plain([_text(row[name], name) for name in NEEDED[task]]), strict=True))
    if empty := [name for name, one in told.items() if not one]:
        raise Unfit(f"{', '.join(empty)}: nothing in it that could be read")
    if odd := [name for name, one in told.items() if text.broken(pl.Series([one])).item()]:
        raise Unfit(f"{', '.join(odd)}: read in a wrong encoding; save the file as UTF-8")
    return told


def plain(texts: list[str]) -> list[str]:
    """The texts as the training rows were made plain: markup, signs that show nothing, personal data, prompt tags."""
    return rules.normalise(pl.Series(texts, dtype=pl.String))[0].to_list()


def _text(value: object, name: str, joined: str = "") -> str:
    if joined and isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = joined.join(value)
    if not isinstance(value, str):
        raise Unfit(f"{name} is {_kind(value)}, not text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Unfit(f"{name} is not UTF-8") from error
    return value


def _listed(value: object) -> list[str]:
    """Keywords, at most as many as a training row has."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | None):
        raise Unfit(f"keywords is {_kind(value)}, not a list or words between commas")
    words = [_text(one, "keywords").strip() for one in value or ()]
    words = list(dict.fromkeys(word.lower() for word in words if word))
    if len(words) > MOST_KEYWORDS:
        raise Unfit(f"{len(words)} keywords: {MOST_KEYWORDS} at most")
    return words


def _stars(value: object) -> int:
    """1 to 5 from a number or its text; a truth is no number."""
    told = str(value).strip().removesuffix(".0")
    if isinstance(value, bool) or told not in tuple(RATINGS):
        shown = told if len(told) <= 20 else f"{told[:20]}…"
        raise Unfit(f"rating is {shown or 'empty'}: a whole number from 1 to 5 is wanted")
    return int(told)


def _reviews(value: object) -> list[dict]:
    """Reviews as {rating, text}: of a list, or of a text with one a line, which a star or a number may begin."""
    if isinstance(value, str):
        value = [_line(line) for line in _text(value, "reviews").splitlines() if line.strip()]
    if not isinstance(value, list):
        raise Unfit(f"reviews is {_kind(value)}, not a list or a text")
    told = []
    for at, one in enumerate(value, 1):
        one = _line(one) if isinstance(one, str) else one
        if not isinstance(one, dict) or one.get("text") is None:
            raise Unfit(f"review {at} is {_kind(one)}, not {{rating, text}}")
        stars = MIDDLE if one.get("rating") is None else _stars(one["rating"])
        told.append({"rating": stars, "text": _text(one["text"], f"review {at}")})
    cleaned = plain([one["text"] for one in told])
    told = [one | {"text": clean} for one, clean in zip(told, cleaned, strict=True) if clean]
    if not told:
        raise Unfit("reviews: none in it that could be read")
    return told


def _line(line: str) -> dict:
    """`5 Good soup`, `5 | Good soup`, `5★ Good soup` → its stars and its text; a line without stars is all text."""
    head, rest = line.strip()[:1], line.strip()[1:]
    if head in RATINGS and head and rest[:1] in (" ", "\t", "|", "★", ";", ","):
        return {"rating": int(head), "text": rest.lstrip(" \t|★;,")}
    return {"rating": None, "text": line}


def gathered(reviews: list[dict], want: params.Gather, language: str) -> dict:
    """One row of a summary from the reviews of one place, {rating, text} each; at most want.reviews are read.

    A sentence that reads like the head of a category, "food: 7", gets none: quoted, it would break the summary's form.
    """
    read = reviews[: want.reviews]
    said = [(at, one) for at, parts in enumerate(sentences.split(sentences.series([one["text"] for one in read])))
            for one in parts]  # fmt: skip
    tags = sentences.tag(sentences.series([one for _, one in said]), want.categories, language)
    return {
        "categories": list(want.categories),
        "silent": want.silent,
        "reviews": read,
        "sentences": [
            {"category": "" if _is_head(one, want) else tag, "rating": read[at]["rating"], "review": at, "text": one}
            for (at, one), tag in zip(said, tags, strict=True)
        ],
        "references": [],
        "copy": 0,
    }


def _is_head(sentence: str, want: params.Gather) -> bool:
    found = summaries.HEAD.fullmatch(sentence)
    return found is not None and found[1].strip() in want.categories


def _kind(value: object) -> str:
    names = {
        bool: "a truth value",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
        bytes: "bytes",
    }
    return "empty" if value is None else names.get(type(value), "text" if isinstance(value, str) else "something else")
