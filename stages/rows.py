"""What a raw row says, whatever the other rows: its plain text, stars, language, and the first reason to reject it."""

from typing import NamedTuple

import polars as pl

from stages import languages, params, reserved, splits, stars, text
from stages.rules import normalise

# In the order they are asked: a row goes for the first that holds. The last three ask about other rows.
REASONS = (
    "empty_text", "broken_encoding", "rating_missing", "rating_unreadable", "rating_out_of_range",
    "split_unknown", "too_short", "too_long", "spam", "off_language", "contradictory", "duplicate", "near_duplicate",
)  # fmt: skip
# What `scrub` gives of each row, to be put aside until it is known which rows stay.
PLAIN = {"text": pl.String, "rating": pl.Int8} | {
    "mark": pl.Float64, "split": pl.String, "question": pl.String, "guide": pl.String
}  # fmt: skip


class Said(NamedTuple):
    """What the rows of a block say.

    rows: PLAIN, language, reason. rating: 1–5 stars, null where it cannot be read; mark: the same as 0–1. language:
    null where the text cannot be read. reason: the first to reject the row, null for a row to keep. changed: rule →
    rows whose text it altered (of texts alone: one question stands in many rows). examples: rule →
    [[before, after], …].
    """

    rows: pl.DataFrame
    changed: dict[str, int]
    examples: dict[str, list]


def scrub(block: pl.DataFrame, rules: params.Clean) -> Said:
    """What each row of a block says, whatever the other rows."""
    plain, changed, examples = normalise(block["text"].fill_null(""))
    asked, guide = (_plain(block[name]) for name in ("question", "guide"))
    words = rules.values
    number = stars.parse(block["rating"]) if words.rating is None else _meant(block["rating"], words.rating, pl.Float64)
    split = block["split"] if words.split is None else _meant(block["split"], words.split, pl.String)
    low, high = rules.rating_range
    number_fits = number.is_between(low, high).fill_null(False)
    chars = plain.str.len_chars()
    unreadable = (plain == "") | text.broken(plain)
    language = pl.select(pl.when(~unreadable).then(languages.identify(plain))).to_series()
    known = [*(rules.language or languages.KNOWN), languages.UNDECIDED]
    holds = (
        plain == "",
        text.broken(plain),
        block["rating"].fill_null("").str.strip_chars() == "",
        number.is_null(),
        ~number_fits,
        split.is_null() & (block["split"].fill_null("").str.strip_chars() != ""),
        chars < rules.min_chars,
        chars > rules.max_chars,
        text.spam(plain),
        ~language.is_in(known),
    )
    reason = pl.select(pl.coalesce(pl.when(one).then(pl.lit(name)) for name, one in zip(REASONS, holds, strict=False)))
    number = pl.select(pl.when(number_fits).then(number)).to_series()  # of others, however large, nothing is asked
    said = {
        "text": plain,
        "rating": stars.scale(number, low, high),
        "mark": (number - low) / (high - low),
        "split": split,
    }
    said |= {"question": asked, "guide": guide, "language": language, "reason": reason.to_series()}
    return Said(pl.DataFrame(said), changed, examples)


def finish(raw: pl.DataFrame, plain: pl.DataFrame, share: params.Split) -> pl.DataFrame:
    """Raw rows that stay, with what is PLAIN of them: what the source lacks is filled, a split by a hash of the group
    where it gives none, and validation rows from its training rows where the settings say that it has none.
    """
    rows = raw.with_columns(plain.select(list(PLAIN)).get_columns()).with_columns(
        _filled("split"),
        _filled("group").fill_null(pl.col("id")),  # nobody says what is reviewed: a group of its own
        reserved.neutralise(raw["rubrics"].fill_null("")),  # rubrics stand in prompts
    )  # fmt: skip
    split = rows["split"].fill_null(splits.assign(rows["group"], share.validation, share.test))
    if share.validation_of_train:
        kept_back = splits.assign(rows["group"], share.validation, 0)
        split = pl.select(pl.when(rows["split"] == "train").then(kept_back).otherwise(split)).to_series()
    return rows.with_columns(split.alias("split"))


def _plain(column: pl.Series) -> pl.Series:
    """Each text by the rules that clean a review; what stands in many rows is cleaned once."""
    unique = column.drop_nulls().unique()
    if unique.is_empty():
        return column
    clean = normalise(unique)[0]
    return column.replace_strict(unique, pl.select(pl.when(clean != "").then(clean)).to_series(), default=None)


def _meant(column: pl.Series, words: dict, kind: type) -> pl.Series:
    """What the source's words stand for, spaces around them aside; null for a word that is not named."""
    return column.str.strip_chars().replace_strict(words, default=None, return_dtype=kind)


def _filled(name: str) -> pl.Expr:
    """A column whose blank values are null."""
    return pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name))
