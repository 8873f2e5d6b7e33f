"""Text in, text out: one row per thing a rule must change, and one per thing it must leave alone."""

import sys
import unicodedata

import ftfy
import polars as pl
import pytest
from ftfy.badness import is_bad
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.rules import normalise
from stages.text import COMPOSABLE, RUN, RUNS, SIGNS, broken, repair, spam

MESS = [
    "Ð¾Ñ‡ÐµÐ½ÑŒ", "cafÃ©", "â€™", "\x85", "\x92", "Ã ", "l’Ã©tÃ©", "Ä\x80", "ï¿½", "\xc3 ", "é", "Â ", "…", "한",
    "Ã\x1a", "\x00\x01\x00",
]  # fmt: skip
PIECES = st.one_of(
    st.sampled_from(MESS),
    st.text("ab .\n'", max_size=20),
    st.integers(100, 300).map(lambda n: ("was so good " * 30)[:n]),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES, max_size=8).map("".join))
@example("x" * 500 + "\x85" + "y" * 119 + "Ã©" + "z" * 121)
@example("\x00\x01\x00" + "x" * 500 + "\x85")
def test_long_runs_of_ascii_make_no_difference_to_what_is_repaired(text):
    assert repair(pl.Series([text])).item() == ftfy.fix_encoding(text)


def test_signs_of_ascii_alone_are_never_mojibake():
    ascii_only = "".join(map(chr, range(128)))
    texts = [a + b + c for a in ascii_only for b in ascii_only for c in " aA'~"]
    assert not any(is_bad(one) for one in texts), "else `beyond` would pass some over"
    assert broken(pl.Series(["plain", "cafÃ©", "\ufffd", None])).to_list() == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "is_spam"),
    [
        ("a" * 500, True), ("a" * 500 + "b", False), ("!" * 500 + "ab", False), ("!" * 500 + "aaa", True),
        ("!" * 500 + "a", False), ("Σσ" * 100 + "!" * 9, True), ("σΣ" * 100, False), ("[phone] " * 30, True),
        (None, False),
    ],
)  # fmt: skip
def test_spam_of_any_length_is_found(text, is_spam):
    assert spam(pl.Series([text], dtype=pl.String)).to_list() == [is_spam]


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
        ("Ура!!!!!!! Да?????", "Ура!!! Да???"),
        ("ㅋㅋㅋㅋㅋㅋ 좋다ㅠㅠㅠㅠ..........", "ㅋㅋㅋ 좋다ㅠㅠㅠ..."),
        ("so!!! ㅋㅋ so... )))", "so!!! ㅋㅋ so... )))"),
        ("1000000 coooool хаааа", "1000000 coooool хаааа"),
        ("РџСЂРёРІРµС‚, РјРёСЂ", "Привет, мир"),
        ("cafÃ© &amp; naÃ¯ve", "café & naïve"),
    ],
)
def test_a_rule_changes_what_it_is_for_and_nothing_else(raw, plain):
    assert one(raw) == plain


def test_no_rows_at_all():
    plain, changed, examples = normalise(pl.Series("text", [], dtype=pl.String))
    assert (plain.len(), plain.dtype, set(changed.values())) == (0, pl.String, {0})
    assert not any(examples.values())
    assert broken(plain).to_list() == spam(plain).to_list() == []


def test_every_character_that_nfc_changes_is_looked_for():
    """Marks and Hangul's parts change what stands before them; the others are changed by themselves."""
    odd = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]
    odd = [one for one in odd if unicodedata.normalize("NFC", one) != one or unicodedata.combining(one)]
    assert len(odd) > 1900
    assert pl.Series([*odd, "가\u11a8", "\u1100\u1161"]).str.contains(COMPOSABLE).all()


def test_each_sign_that_may_run_is_found_and_shortened():
    for sign in SIGNS:
        found = pl.Series([sign * 3, sign * 4]).str.contains(RUNS).to_list()
        assert (sign, found) == (sign, [False, True])
        assert RUN.sub(r"\1\1\1", f"a{sign * 9}b") == f"a{sign * 3}b"


@pytest.mark.parametrize(
    "text",
    ["10/10", "!!!", "👍👍 😀", "ㅋㅋㅋ", "ㅠ ㅠ ㅠ!", "Аааа", "5 5 5", "[link]", "[phone] [handle] 1", "...", "♥♥♥"],
)
def test_spam_says_nothing(text):
    assert spam(pl.Series([text])).item()


@pytest.mark.parametrize(
    "text", ["ok", "10/10 да", "ㅋㅋㅎㅎ", "좋다", "see [link]", "A+ b", "不好", "굿~~!!", "흠 ..."]
)
def test_short_words_are_no_spam(text):
    assert not spam(pl.Series([text])).item()


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
