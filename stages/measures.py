"""Rows as the numbers that a suite sees: lengths, ratings, faults as ones and zeros; never a word of their text.

A fault is an Int8 column whose ones are the rows at fault, so that one sum says how many and one filter says which.
A null counts as rating 0 or as no text, since Great Expectations passes nulls over.
"""

import math
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from stages.blocks import Array

RATINGS = (1, 2, 3, 4, 5)
TOKEN = r"\w+|[^\w\s]"  # words and marks
HASHED = ("id", "text", "bare", "group", "split")  # bare: the text's letters and digits in lower case
NONE = np.uint64(0)  # the hash of what is not there
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
    "handle": (
        r"(?:^|[\s(,;:])@[A-Za-z][A-Za-z0-9_]{4,}"
        r"|(?i-u:\b(?:t|wa|telegram)\.me/[a-z0-9+_]|\binstagram\.com/[a-z0-9_])"
    ),
    "link": r"(?i)\bhttps?://\w|\bwww\.\w",
    "phone": (
        r"(?-u:\+(?:7|82|1)[ -]?\(?[0-9]{2,3}\)?[ -]?[0-9]{3,4}[ -]?[0-9]{2}[ -]?[0-9]{2}\b"
        r"|\b8[ -]?\(?9[0-9]{2}\)?[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}\b|\b010[ .-]?[0-9]{4}[ .-]?[0-9]{4}\b)"
    ),
}
CARD = r"(?-u:\b[2-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b)"
# What a tokenizer or a prompt of ours would read as a sign instead of as text.
MARKUP = r"<extra_id_\d+>|</?(?:s|pad|unk|mask|rating|rubrics|keywords)>|\[(?:CLS|SEP|PAD|MASK|UNK)\]|\brating [1-5] \|"


def of_source(
    blocks: Iterable[pl.DataFrame], token_limit: int, language: str, accepted: dict[str, float] | None
) -> pl.DataFrame:
    """One row per review of a clean table: rating, chars, tokens, rating_1…5, the faults, and figures of the whole.

    A figure (chars_p95, tokens_p95, rating_drift) stands as a column that is the same in every row: GX's own quantile
    fails on numpy 2 (its answer, a numpy bool, is not JSON), and drift it has none. `accepted`: rating → share of the
    last accepted snapshot; without it, or for a language whose script is not known, that column is left out.

    Texts are in memory a block at a time. What rows have in common is told by 64-bit hashes, which wait on disk: of two
    million different texts, two are taken for equal in one table of ten million. Columns are as narrow as can be.
    """
    parts = [pl.DataFrame()]
    with tempfile.TemporaryDirectory(prefix="measures-") as folder:
        hashes = {name: Array(Path(folder, name), np.uint64) for name in HASHED}
        for block in blocks:
            measures, hashed = _of_block(block, language)
            parts.append(measures)
            for name, array in hashes.items():
                array.add(hashed[name].to_numpy())
        id_repeated = np.isin(hashes["id"][:], _repeated(hashes["id"][:]))
        faults = {
            "id_repeated": id_repeated,
            "duplicate": _later(hashes["text"][:]),
            "loose_duplicate": _later(hashes["bare"][:]),
            "group_straddles": _straddling(hashes["group"][:], hashes["split"][:]),
        }
    table = pl.concat(parts[1:], rechunk=True)
    del parts
    shares = rating_shares(table["rating"])
    figures = {} if accepted is None else {"rating_drift": pl.lit(drift(shares, accepted))}
    lengths = [table[length].shrink_dtype() for length in ("chars", "tokens")]
    return table.with_columns(
        *lengths,
        *(pl.Series(name, fault, pl.Int8) for name, fault in faults.items()),
        (pl.col("tokens") > token_limit).cast(pl.Int8).alias("truncated"),
        *((pl.col("rating") == rating).cast(pl.Int8).alias(f"rating_{rating}") for rating in RATINGS),
        *(pl.lit(of.quantile(0.95), of.dtype).alias(f"{of.name}_p95") for of in lengths),
        **figures,
    )


def _repeated(hashes: np.ndarray) -> np.ndarray:
    """The hashes that more than one row has."""
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _later(hashes: np.ndarray) -> np.ndarray:
    """Which rows have the hash of an earlier one; a row of NONE has none."""
    rows = np.flatnonzero((hashes != NONE) & np.isin(hashes, _repeated(hashes)))
    later = np.zeros(hashes.size, np.int8)
    later[rows] = 1
    later[rows[np.unique(hashes[rows], return_index=True)[1]]] = 0
    return later


def _straddling(group: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Which rows' group lies in more than one split; both are hashes."""
    pairs = pl.DataFrame({"group": group, "split": split}).filter(pl.Series(group != NONE)).unique()
    return np.isin(group, _repeated(pairs["group"].to_numpy()))


def _of_block(rows: pl.DataFrame, language: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What each row of a block says by itself; and HASHED, by which `of_source` tells what rows have in common."""
    filled = pl.col("text").fill_null("")
    bare = filled.str.to_lowercase().str.replace_all(r"[^\pL\pN]+", "")
    ratings = pl.col("rating").fill_null(0)
    faults = {
        "text_empty": filled.str.strip_chars() == "",
        "rating_unknown": ~ratings.is_in(RATINGS),
        **{name: filled.str.contains(pattern) for name, pattern in PERSONAL.items()},
        "card": card(filled),
        "markup": filled.str.contains(MARKUP),
    }
    if language in SCRIPTS:
        letters, own = filled.str.count_matches(r"\pL"), filled.str.count_matches(rf"\p{{{SCRIPTS[language]}}}")
        faults["off_language"] = own * 2 < letters  # most of its letters are of another script
    measures = rows.select(
        rating=ratings,
        chars=filled.str.strip_chars().str.len_chars(),
        tokens=filled.str.count_matches(TOKEN),
        **{name: fault.cast(pl.Int8) for name, fault in faults.items()},
    )
    hashes = rows.select(
        id=pl.col("id").hash(),
        # equal answers to two questions are no duplicates
        text=pl.when(pl.col("text").is_null()).then(pl.lit(NONE)).otherwise(pl.struct("question", "text").hash()),
        bare=pl.when(bare == "").then(pl.lit(NONE)).otherwise(pl.struct(pl.col("question"), bare).hash()),
        group=pl.when(pl.col("group").is_null()).then(pl.lit(NONE)).otherwise(pl.col("group").hash()),
        split=pl.col("split").hash(),
    )
    return measures, hashes


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
