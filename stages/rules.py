"""The rules that change a review's text, in their order, each with its reason; and what they changed.

A rule is a pattern that finds the rows it may concern and a change for those rows alone: most reviews need none of
them, so the patterns decide how long 600,000 rows take. Rules look at one row at a time, so any block of rows will do.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from stages import privacy, reserved, text
from stages.threads import at_once, shares

EXAMPLES = 5  # of each rule
AROUND, EXCERPT = 40, 160  # characters before the first change, and in all


@dataclass(frozen=True)
class Rule:
    """finds: a pattern (Rust's dialect) that every text the rule would change matches. change: texts → texts.

    beyond: whether the pattern finds nothing in ASCII.
    """

    finds: str
    change: Callable[[pl.Series], pl.Series]
    why: str
    personal: bool = False
    beyond: bool = False


RULES = {
    "html": Rule(r"[<&]", text.unescape, "tags and entities are a web page's, not the writer's"),
    "encoding": Rule(text.MOJIBAKE, text.repair, "UTF-8 read as something else can often be read again", beyond=True),
    "control": Rule(
        rf"{text.CONTROL}|{text.C1}|{text.INVISIBLE}|\u200d", text.show, "unseen signs make equal words unequal"
    ),
    "nfc": Rule(text.COMPOSABLE, text.compose, "a letter and its mark are one character", beyond=True),
    "whitespace": Rule(r"[^\S ]|  |^ | $", text.collapse, "layout is not content"),
    "repeats": Rule(text.RUNS, text.shorten, "length of a run says nothing after the third"),
    # an address before a number: a number may be a mail's name, a handle may end a link, a card holds a phone
    "email": Rule(r"@", privacy.emails, "personal data", personal=True),
    "handle": Rule(
        rf"(?i)@[A-Za-z]|\.me/|instagram\.com/|(?:{privacy.MESSENGER}) ?(?:[:=-]|id|ник|아이디)",
        privacy.handles, "personal data", personal=True,
    ),
    "link": Rule(rf"(?i)://|www\.|\.(?:{privacy.TOP})", privacy.links, "leads to persons, and away", personal=True),
    "card": Rule(r"[0-9]{4}[ -]?[0-9]{4}", privacy.cards, "personal data", personal=True),
    "phone": Rule(r"[0-9][ .()-]{0,2}[0-9]{2}", privacy.phones, "personal data", personal=True),
    "reserved": Rule(reserved.FOUND, reserved.neutralise, "a review must not pose as a prompt"),
}  # fmt: skip


def normalise(texts: pl.Series) -> tuple[pl.Series, dict[str, int], dict[str, list[list[str]]]]:
    """Text after every rule, how many rows each rule altered, and the first EXAMPLES [before, after] of each.

    Null stays null. Examples hold no personal data.

    >>> normalise(pl.Series(["Ждали&nbsp;час.<br>Звоните: 8-912-345-67-89"]))[0].item()
    'Ждали час. Звоните: [phone]'
    """
    parts = at_once(_normalise, shares(texts))
    changed = {name: sum(part[1][name] for part in parts) for name in RULES}
    examples = {name: [pair for part in parts for pair in part[2][name]][:EXAMPLES] for name in RULES}
    return pl.concat([part[0] for part in parts]), changed, examples


def _normalise(texts: pl.Series) -> tuple[pl.Series, dict[str, int], dict[str, list[list[str]]]]:
    """The same of some of the texts."""
    changed, examples = {}, {}
    for name, rule in RULES.items():
        if rule.beyond:
            concerned = text.beyond(texts).arg_true()
            concerned = concerned.filter(texts.gather(concerned).str.contains(rule.finds))
        else:
            concerned = texts.str.contains(rule.finds).arg_true()
        before = texts.gather(concerned)
        after = rule.change(before)
        altered = (before != after).arg_true()
        changed[name] = altered.len()
        pairs = zip(before.gather(altered[:EXAMPLES]), after.gather(altered[:EXAMPLES]), strict=True)
        examples[name] = [example(*pair, rule.personal) for pair in pairs]
        texts = texts.clone().scatter(concerned, after)
    return texts, changed, examples


def example(before: str, after: str, personal: bool) -> list[str]:
    """[before, after] around the first change, as a report may show them: reports are published, personal data is not.

    Of personal data its shape is shown, and what later rules will mask is masked here.
    """
    if personal:
        start = _shared(before, after)
        end = _shared(before[start:][::-1], after[start:][::-1])
        hidden = re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", before[start : len(before) - end]))
        head, tail = before[:start], before[len(before) - end :]
        head, tail = privacy.mask(pl.Series([head, tail]))
        pair = [head + hidden + tail, privacy.mask(pl.Series([after])).item()]
    else:
        pair = privacy.mask(pl.Series([before, after])).to_list()
    old, new = pair
    start = max(0, _shared(old, new) - AROUND)
    beyond = len(old) - start - EXCERPT  # where the texts are alike again, both are cut at the same place
    alike = 0 <= beyond <= _shared(old[start:][::-1], new[start:][::-1])
    return [old[start : start + EXCERPT], new[start : len(new) - beyond if alike else start + EXCERPT]]


def _shared(one: str, other: str) -> int:
    """Characters that both begin with."""
    unequal = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(unequal, min(len(one), len(other)))
