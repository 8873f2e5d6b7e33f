"""What a raw row says, whatever the other rows: its plain text, stars, language, and the first reason to reject it."""

from typing import NamedTuple

import polars as pl

from stages import languages, params, reserved, splits, stars, text
from stages.rules import normalise

# In the order they are asked: a row goes for the first that holds. The last three ask about other rows.
REASONS = (
    "empty_text", "broken_encoding", "rating_missing", "rating_unreadable", "rating_out_of_range",
    "too_short", "too_long", "spam", "off_language", "contradictory", "duplicate", "near_duplicate",
)  # fmt: skip


class Said(NamedTuple):
    """What the rows of a block say.

    rows: text, rating (1–5 stars, null where it cannot be read), language (null where the text cannot be read), reason
    (the first to reject the row, null for a row to keep). changed: rule → rows whose text it altered. examples: rule →
    [[before, after], …].
    """

    rows: pl.DataFrame
    changed: dict[str, int]
    examples: dict[str, list]


def scrub(block: pl.DataFrame, rules: params.Clean) -> Said:
    """What each row of a block says, whatever the other rows."""
    plain, changed, examples = normalise(block["text"].fill_null(""))
    number = stars.parse(block["rating"])
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
        chars < rules.min_chars,
        chars > rules.max_chars,
        text.spam(plain),
        ~language.is_in(known),
    )
    reason = pl.select(pl.coalesce(pl.when(one).then(pl.lit(name)) for name, one in zip(REASONS, holds, strict=False)))
    rating = pl.select(pl.when(number_fits).then(stars.scale(number, low, high))).to_series()
    columns = {"text": plain, "rating": rating, "language": language, "reason": reason.to_series()}
    return Said(pl.DataFrame(columns), changed, examples)


def finish(raw: pl.DataFrame, plain: pl.DataFrame, share: params.Split) -> pl.DataFrame:
    """Raw rows that stay, with their plain text and stars: what the source lacks is filled, a split by a hash of the
    group where it gives none.
    """
    rows = raw.with_columns(
        plain["text"], plain["rating"],
        _filled("split"),
        _filled("group").fill_null(pl.col("id")),  # nobody says what is reviewed: a group of its own
        reserved.neutralise(raw["rubrics"].fill_null("")),  # rubrics stand in prompts
    )  # fmt: skip
    return rows.with_columns(rows["split"].fill_null(splits.assign(rows["group"], share.validation, share.test)))


def _filled(name: str) -> pl.Expr:
    """A column whose blank values are null."""
    return pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name))
