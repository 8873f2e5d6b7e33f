"""The dirt planted in the synthetic corpora, found again by the clean stage, number by number."""

import functools
from collections import defaultdict

import polars as pl
import pytest

from stages import params
from stages.clean import REASONS, clean
from stages.sources import dirt
from stages.sources.sample import generate
from stages.text import broken

ROWS = 3000
# No near-duplicates are planted; the few that the generator writes by chance are left in.
RULES = {
    corpus: params.Clean(
        rating_range=(low, top),
        min_chars=3,
        max_chars=3000,
        near_duplicate=None,
        language=(language,),
        split=params.Split(validation=0.1, test=0.15),
    )
    for corpus, low, top, language in (("places", 1, 5, "ru"), ("films", 1, 10, "en"), ("answers", 0, 1, "en"))
}
BOTH = pytest.mark.parametrize("corpus", RULES)


@functools.cache
def cleaned(corpus: str) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    return clean(generate(corpus, ROWS, seed=7), RULES[corpus])


def expected(corpus: str, rows: int, seed: int) -> dict[str, int]:
    """What was planted, but for two things.

    Broken rows that lost no letter can be read again, and stay. A copy has a rating of its own: where it and the
    original are opposed, both are contradictory.
    """
    planted, raw = dirt.planted(corpus, rows), generate(corpus, rows, seed)
    lost = raw["text"].str.contains("\ufffd").sum()
    rejected = clean(raw, RULES[corpus])[1]
    alone = rejected.filter(~pl.col("reason").is_in(["contradictory", "duplicate"]))
    copies, (low, top) = defaultdict(list), RULES[corpus].rating_range
    said = raw.filter(~pl.col("id").is_in(alone["id"].implode())).select("question", "text", "rating")
    for question, text, rating in said.iter_rows():
        copies[question, " ".join(text.split())].append((float(rating.replace(",", ".")) - low) / (top - low))
    groups = [group for group in copies.values() if len(group) > 1]
    opposed = [group for group in groups if min(group) < 0.375 and max(group) >= 0.625]
    assert sum(len(group) - 1 for group in groups) == planted["duplicate"]
    return (
        dict.fromkeys(REASONS, 0)
        | {kind: planted[kind] for kind in dirt.REJECTED}
        | {
            "broken_encoding": lost,
            "contradictory": sum(map(len, opposed)),
            "duplicate": planted["duplicate"] - sum(len(group) - 1 for group in opposed),
        }
    )


@BOTH
def test_every_rejected_reason_has_exactly_the_planted_rows(corpus):
    assert min(dirt.planted(corpus, ROWS).values()) >= 3 and expected(corpus, ROWS, 7)["contradictory"] >= 3
    assert cleaned(corpus)[2]["rejected"] == expected(corpus, ROWS, 7)


@BOTH
def test_what_was_read_wrongly_but_whole_is_kept_as_it_was_meant(corpus):
    raw = generate(corpus, ROWS, seed=7)
    raw = raw.filter(broken(raw["text"]) & ~raw["text"].str.contains("\ufffd").fill_null(False))
    kept = raw.join(cleaned(corpus)[0], on="id", suffix="_kept")
    assert (
        kept.height
        == raw.height
        == dirt.planted(corpus, ROWS)["broken_encoding"] - expected(corpus, ROWS, 7)["broken_encoding"]
        >= 3
    )
    for wrong, right in kept.select("text", "text_kept").iter_rows():
        assert wrong.replace("\xa0", " ") in {
            right.encode().decode(encoding, "replace").replace("\xa0", " ") for encoding in ("cp1251", "cp1252")
        }


@BOTH
def test_every_cleaning_rule_changed_exactly_the_planted_rows(corpus):
    planted, changed = dirt.planted(corpus, ROWS), cleaned(corpus)[2]["changed"]
    assert {rule: changed[rule] for rule in dirt.CLEANED} == {rule: planted[rule] for rule in dirt.CLEANED}


@BOTH
def test_no_row_is_lost_and_none_keeps_its_dirt(corpus):
    kept, rejected, account = cleaned(corpus)
    assert kept.height + rejected.height == account["rows_in"] == ROWS
    left = r"&\w+;|<\w+|example\.|\d{3}[- ]?\d|\x{fffd}|[\x{200b}\x{feff}\x{200e}\x07\x02]|[\x{300}-\x{36f}]"
    assert not kept.filter(pl.col("text").str.contains(left)).height


@pytest.mark.parametrize("rows", [500, 1500])
def test_dirt_of_each_kind_is_there_in_small_tables_too(rows):
    for corpus, rules in RULES.items():
        account = clean(generate(corpus, rows, seed=3), rules)[2]
        assert account["rejected"] == expected(corpus, rows, 3)
