"""Rows as the numbers that a suite sees: lengths, ratings, faults as ones and zeros; never a word of their text.

A fault is an Int8 column whose ones are the rows at fault, so that one sum says how many and one filter says which.
A null counts as rating 0 or as no text, since Great Expectations passes nulls over.
"""

import math

import polars as pl

RATINGS = (1, 2, 3, 4, 5)
TOKEN = r"\w+|[^\w\s]"  # words and marks
FLOOR = 1e-4  # the share that an empty rating counts as in `drift`, which divides by shares
SCRIPTS = {
    **dict.fromkeys(("ru", "uk", "bg", "sr"), "Cyrillic"),
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr"), "Latin"),
    "ko": "Hangul",
    "el": "Greek",
    "he": "Hebrew",
    "ar": "Arabic",
    "hi": "Devanagari",
    "th": "Thai",
}

# Not the patterns that clean masks by: a gate that shared its mistakes would see none of them. These are the forms that
# nothing else is written in, so that a film worth 100000000000 points is not refused as a phone.
PERSONAL = {
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
    "link": r"(?i)\bhttps?://\w|\bwww\.\w",
    "phone": (
        r"(?-u:\+(?:7|82|1)[ -]?\(?[0-9]{2,3}\)?[ -]?[0-9]{3,4}[ -]?[0-9]{2}[ -]?[0-9]{2}\b"
        r"|\b8[ -]?\(?9[0-9]{2}\)?[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}\b|\b010[ .-]?[0-9]{4}[ .-]?[0-9]{4}\b)"
    ),
}
CARD = r"(?-u:\b[2-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b)"
# What a tokenizer or a prompt of ours would read as a sign instead of as text.
MARKUP = r"<extra_id_\d+>|</?(?:s|pad|unk|mask|rating|rubrics|keywords)>|\[(?:CLS|SEP|PAD|MASK|UNK)\]|\brating [1-5] \|"


def of_source(rows: pl.DataFrame, token_limit: int, language: str, accepted: dict[str, float] | None) -> pl.DataFrame:
    """One row per review of a clean table: rating, chars, tokens, rating_1…5, the faults, and figures of the whole.

    A figure (chars_p95, tokens_p95, rating_drift) stands as a column that is the same in every row: GX's own quantile
    fails on numpy 2 (its answer, a numpy bool, is not JSON), and drift it has none. `accepted`: rating → share of the
    last accepted snapshot; without it, or for a language whose script is not known, that column is left out.
    """
    text, filled = pl.col("text"), pl.col("text").fill_null("")
    to = pl.col("question")  # equal answers to two questions are no duplicates
    bare = filled.str.to_lowercase().str.replace_all(r"[^\pL\pN]+", "")
    ratings = pl.col("rating").cast(pl.Int64).fill_null(0)
    faults = {
        "id_repeated": pl.col("id").is_duplicated(),
        "text_empty": filled.str.strip_chars() == "",
        "rating_unknown": ~ratings.is_in(RATINGS),
        "duplicate": ~pl.struct(to, text).is_first_distinct() & text.is_not_null(),
        "loose_duplicate": ~pl.struct(to, bare).is_first_distinct() & (bare != ""),
        "group_straddles": straddles(),
        **{name: filled.str.contains(pattern) for name, pattern in PERSONAL.items()},
        "card": card(filled),
        "markup": filled.str.contains(MARKUP),
    }
    if language in SCRIPTS:
        letters, own = filled.str.count_matches(r"\pL"), filled.str.count_matches(rf"\p{{{SCRIPTS[language]}}}")
        faults["off_language"] = own * 2 < letters  # most of its letters are of another script
    table = rows.select(
        rating=ratings,
        chars=filled.str.strip_chars().str.len_chars().cast(pl.Int64),
        tokens=filled.str.count_matches(TOKEN).cast(pl.Int64),
        **{name: fault.cast(pl.Int8) for name, fault in faults.items()},
    )
    shares = rating_shares(table["rating"])
    figures = {} if accepted is None else {"rating_drift": pl.lit(drift(shares, accepted))}
    return table.with_columns(
        (pl.col("tokens") > token_limit).cast(pl.Int8).alias("truncated"),
        *((pl.col("rating") == rating).cast(pl.Int8).alias(f"rating_{rating}") for rating in RATINGS),
        *(pl.col(length).quantile(0.95).alias(f"{length}_p95") for length in ("chars", "tokens")),
        **figures,
    )


def of_recipe(rows: pl.DataFrame, lengths: dict[str, list[int]], limits: dict[str, int]) -> pl.DataFrame:
    """One row per row of a recipe (all splits): chars, <field>_tokens, the faults, and figures of the whole.

    rows: id, copy, group, rating, text, split, keywords. lengths: field → its length in the recipe's own tokens,
    before any cut; limits: field → the most it may have. rating_imbalance is of the training rows.
    """
    fields = [pl.Series(f"{field}_tokens", lengths[field], dtype=pl.Int64) for field in lengths]
    table = rows.select(
        chars=pl.col("text").fill_null("").str.len_chars().cast(pl.Int64),
        keyworded=(pl.col("keywords").list.len().fill_null(0) > 0).cast(pl.Int8),
        id_repeated=pl.struct("id", "copy").is_duplicated().cast(pl.Int8),  # a balanced row is meant to come again
        group_straddles=straddles().cast(pl.Int8),
        rating_imbalance=pl.lit(imbalance(rows.filter(pl.col("split") == "train")["rating"])),
    ).with_columns(fields)
    return table.with_columns(
        *((pl.col(f"{field}_tokens") > limits[field]).cast(pl.Int8).alias(f"{field}_truncated") for field in lengths),
        *(pl.col(name).quantile(0.95).alias(f"{name}_p95") for name in ("chars", *(one.name for one in fields))),
    )


def straddles() -> pl.Expr:
    """Rows whose group (a place, a film) lies in more than one split: what is learnt of it would be asked of it."""
    return (pl.col("split").n_unique().over("group") > 1) & pl.col("group").is_not_null()


def card(text: pl.Expr) -> pl.Expr:
    """Texts with a sixteen-digit number that passes Luhn's check (ISO/IEC 7812-1, annex B), as payment cards do."""
    digits = text.str.extract(f"({CARD})").str.replace_all("[^0-9]", "")
    doubled = pl.lit(0)
    for at in range(16):
        digit = digits.str.slice(at, 1).cast(pl.Int64)
        doubled += digit if at % 2 else digit * 2 - pl.when(digit > 4).then(9).otherwise(0)
    return (doubled % 10 == 0).fill_null(False) & digits.is_not_null()


def rating_shares(ratings: pl.Series) -> dict[str, float]:
    """{"1": share of rows, … "5": …}, of the rows rated 1 to 5, rounded to 6 digits."""
    counts, known = dict(ratings.value_counts().rows()), ratings.is_in(list(RATINGS)).sum()
    return {str(rating): round(counts.get(rating, 0) / max(known, 1), 6) for rating in RATINGS}


def imbalance(ratings: pl.Series) -> float:
    """Rows of the commonest rating for each row of the rarest one that there is; 1.0 is even."""
    counts = ratings.drop_nulls().value_counts()["count"]
    return counts.max() / counts.min() if counts.len() else 1.0


def drift(now: dict[str, float], before: dict[str, float]) -> float:
    """Population stability index between two partitions into ratings, nats; 0 is no change.

    Σ (now − before) · ln(now / before) over the ratings: the divergence of Jeffreys (1946), under the name and the
    rule of thumb of credit scoring (Siddiqi, Credit Risk Scorecards, 2006): below 0.1 small, above 0.25 a shift. An
    empty rating counts as FLOOR, which leaves a rating that comes or goes large and finite.

    >>> round(drift({"1": 0.5, "5": 0.5}, {"1": 0.25, "5": 0.75}), 4)
    0.2747
    """
    shares = [(max(now.get(key, 0), FLOOR), max(before.get(key, 0), FLOOR)) for key in sorted({*now, *before})]
    return sum((a - b) * math.log(a / b) for a, b in shares)
