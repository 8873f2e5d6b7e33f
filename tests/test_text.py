"""Text in, text out: one row per thing a rule must change, and one per thing it must leave alone."""

import ftfy  # noqa: F401  registers the sloppy Windows encodings
import polars as pl
import pytest
from ftfy.badness import is_bad

from stages.text import broken, normalise


def one(text: str) -> str:
    return normalise(pl.Series([text]))[0].item()


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("Вкусно &amp; недорого&nbsp;&mdash; да", "Вкусно & недорого — да"),
        ("one<br>two<br />three</p>four", "one two three four"),
        ("<b>bold</b>, <a href='x'>link</a>.", "bold, link."),
        ("&lt;br&gt;x", "x"),
        ("a<!-- no -->b <script>alert(1)</script>c", "a b c"),
        ("a<b", "a<b"),
        ("5 < 6 > 3", "5 < 6 > 3"),
        ("a <b and c> d", "a <b and c> d"),
        ("I love <Solaris> &lt;3", "I love <Solaris> <3"),
        ("AT&T, R&D, rock&notroll", "AT&T, R&D, rock&notroll"),
        ("\ufeffa\u200bb\u00adc\u202ed\x07", "abcd"),
        ("a\u200d\u200db", "ab"),
        ("👩\u200d💻 ❤\ufe0f\u200d🔥 👩🏽\u200d🚀", "👩\u200d💻 ❤\ufe0f\u200d🔥 👩🏽\u200d🚀"),
        ("😀\u200d the end", "😀 the end"),
        ("don\x92t wait\x85", "don’t wait…"),
        ("и\u0306 \u1112\u1161\u11ab", "й 한"),
        ("  a\r\n\tb\u00a0\u3000c\u2028d ", "a b c d"),
        ("пишите на a.b+c@mail.example.ru, ок", "пишите на [email], ок"),
        ("메일은abc@naver.com로", "메일은[email]로"),
        ("89121234567@mail.ru", "[email]"),
        ("me@home", "me@home"),
    ],
)
def test_a_rule_changes_what_it_is_for_and_nothing_else(raw, plain):
    assert one(raw) == plain


@pytest.mark.parametrize(
    "number",
    [
        "+7 (912) 345-67-89", "8-912-345-67-89", "8 912 345 67 89", "89123456789", "8 (495) 123-45-67",
        "8(4852)12-34-56",
        "(495) 123-45-67", "912 345-67-89", "+82-2-312-3456", "010-1234-5678", "01012345678", "02-312-3456",
        "(555) 123-4567", "555-123-4567", "1-555-123-4567", "+44 20 7946 0958",
    ],
)  # fmt: skip
def test_a_phone_number_is_masked_whole_wherever_it_stands(number):
    assert one(f"звоните {number}, жду") == "звоните [phone], жду"
    assert one(f"번호는{number}로") == "번호는[phone]로"
    assert one(number) == "[phone]"


@pytest.mark.parametrize(
    "text",
    [
        "1999-2003", "в 2019 2020 2021 годах", "1 500 000 руб", "8 000 000 000", "80 000 000 000 won", "12345",
        "1234567890",
        "10:00-22:00", "12.05.2019", "2019-05-12", "09-12-2015", "100-60-90", "3.14159265", "+10 баллов", "4.5/5",
        "100500",
    ],
)  # fmt: skip
def test_years_prices_dates_and_plain_numbers_stay(text):
    assert one(text) == text


def test_rows_changed_are_counted_by_rule_and_null_stays_null():
    raw = pl.Series("text", ["plain", None, "a&amp;b <i>c</i>", " a  b ", "", "x\u200b y"])
    plain, changed = normalise(raw)
    assert plain.to_list() == ["plain", None, "a&b c", "a b", "", "x y"]
    assert changed == {"html": 1, "control": 1, "nfc": 0, "whitespace": 1, "email": 0, "phone": 0}
    assert raw.to_list()[2] == "a&amp;b <i>c</i>", "the raw rows must stay as they came"


def test_no_rows_at_all():
    plain, changed = normalise(pl.Series("text", [], dtype=pl.String))
    assert (plain.len(), plain.dtype, set(changed.values())) == (0, pl.String, {0})
    assert broken(plain).to_list() == []


def test_replacement_characters_and_mojibake_are_broken():
    raw = pl.Series(["plain", "ab\ufffdc", None, "РџСЂРёРІРµС‚", "ÐŸÑ€Ð¸Ð²ÐµÑ‚", "cafÃ©", "x\x81y", "РЎР«Р "])
    assert broken(raw).to_list() == [False, True, False, True, True, True, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "«Кафе» — лучшее, №1! 20° и €5",
        "“Quoted” café, naïve…",
        "재밌어요 ㅋㅋㅋ ★★★★",
        "ВСЁ СУПЕР",
        "¯\\_(ツ)_/¯",
        "№ 5 „так“",
    ],
)
def test_unusual_but_sound_text_is_not_broken(text):
    assert not broken(pl.Series([text])).item()


@pytest.mark.parametrize(
    "text", ["Привет, «мир» — всё ОТЛИЧНО", "한국 영화 재밌다", "déjà vu — “naïve”", "Καλημέρα ΚΟΣΜΕ"]
)
def test_mojibake_is_what_ftfy_says(text):
    """Its pattern runs in Polars here, whose regular expressions differ from Python's."""
    encodings = ("latin-1", *(f"sloppy-windows-125{n}" for n in (0, 1, 2, 3, 4, 7)))
    garbled = [text.encode().decode(encoding, "ignore") for encoding in encodings]
    parts = [one[i : i + n] for one in garbled for n in (2, 3, 4, 8, len(one)) for i in range(len(one))]
    parts += [*(f"a{sign} " for sign in "ÃÂ"), "à ", "Â ", "a Â ", "Ã", "ГўВЂВ. ", "œ", "œ ", "œa"]
    assert sum(map(is_bad, parts)) > 50
    assert broken(pl.Series(parts)).to_list() == [is_bad(part) for part in parts]
