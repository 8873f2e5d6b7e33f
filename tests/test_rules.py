"""What the rules changed: counts, examples that may be published, and that a second pass changes nothing."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.rules import EXAMPLES, RULES, normalise


def test_rows_changed_are_counted_by_rule_and_null_stays_null():
    raw = pl.Series("text", ["plain", None, "a&amp;b <i>c</i>", " a  b ", "", "x\u200b y", "so!!!!! a|b", "cafÃ©"])
    plain, changed, examples = normalise(raw)
    assert plain.to_list() == ["plain", None, "a&b c", "a b", "", "x y", "so!!! a/b", "café"]
    counted = {"html": 1, "control": 1, "whitespace": 1, "repeats": 1, "reserved": 1, "encoding": 1}
    assert changed == dict.fromkeys(RULES, 0) | counted
    assert {name: len(found) for name, found in examples.items()} == changed
    assert examples["whitespace"] == [[" a  b ", "a b"]]
    assert raw.to_list()[2] == "a&amp;b <i>c</i>", "the raw rows must stay as they came"


def test_the_first_examples_are_kept_and_cut_around_the_change():
    long = "word " * 100
    _, changed, examples = normalise(pl.Series([f"{long}{n}!!!!!{long}" for n in range(9)]))
    assert changed["repeats"] == 9 and len(examples["repeats"]) == EXAMPLES
    before, after = examples["repeats"][3]
    assert "3!!!!!word" in before and "3!!!word" in after and len(before) == 160
    assert before[-60:] == after[-60:], "where the texts are alike again, both end at the same place"


@pytest.mark.parametrize(
    ("text", "rule", "pair"),
    [
        ("tel 8-912-345-67-89, ok", "phone", ["tel 0-000-000-00-00, ok", "tel [phone], ok"]),
        ("a@mail.ru or 8-912-345-67-89", "email", ["x@xxxx.xx or [phone]", "[email] or [phone]"]),
        ("a  b@mail.ru", "whitespace", ["a  [email]", "a [email]"]),
        ("@ivan99 4111 1111 1111 1111", "handle", ["@xxxx00 [card]", "[handle] [card]"]),
    ],
)
def test_examples_hold_no_personal_data(text, rule, pair):
    assert normalise(pl.Series([text]))[2][rule] == [pair]


PIECES = st.sampled_from([
    "<b>", "</s>", "&amp;", "|", "!!!!", "ㅋㅋㅋㅋ", "8-912-345-67-89", "a@b.ru", "@ivan", "t.me/xyz", "www.a-site.ru/",
    " ",
    "\u200b", "и\u0306", "4111111111111111", "[MASK]", "слово", "좋다", "x", "7", ".", "<", ">", "РџСЂРё", "telegram: ",
])  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=6).map("".join))
def test_what_is_plain_stays_plain_of_personal_data_and_reserved_markup(text):
    plain, _, _ = normalise(pl.Series([text]))
    _, changed, _ = normalise(plain)
    assert not any(changed[name] for name in ("email", "card", "phone", "reserved")), (text, plain.item())


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_why(name):
    assert RULES[name].why
