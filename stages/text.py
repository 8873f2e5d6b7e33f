"""Review text made plain: markup, encoding, signs that show nothing, white space, runs; and what no rule can save."""

import html
import re
from itertools import chain, zip_longest

import polars as pl
from ftfy import fix_encoding
from ftfy.badness import BADNESS_RE
from ftfy.fixes import fix_c1_controls

# Only names that HTML has, with attributes only where there is an `=`: `a <b and c> d` and `<Solaris>` are no tags.
INLINE = "a|abbr|b|big|code|del|em|font|i|img|ins|q|s|small|span|strike|strong|sub|sup|tt|u"
BLOCK = "blockquote|body|br|center|dd|div|dl|dt|h[1-6]|head|hr|html|li|ol|p|pre|table|tbody|td|th|thead|tr|ul"
ATTRIBUTES = r"(?:\s[^<>]*=[^<>]*)?\s*/?>"
HIDDEN = r"(?is)<!--.*?-->|<script\b[^<>]*>.*?</script\s*>|<style\b[^<>]*>.*?</style\s*>"
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# Characters that show nothing. White space is not among them: the rule `whitespace` turns it into spaces.
CONTROL = r"[\x00-\x08\x0e-\x1f\x7f]"
INVISIBLE = r"[\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
C1 = "[\x80-\x9f]"
PICTURE = r"\p{Extended_Pictographic}"
JOINED = rf"{PICTURE}\ufe0f\U0001f3fb-\U0001f3ff"

# What NFC can change: marks, Hangul's parts, and the few signs that are another's double.
COMPOSABLE = (
    r"[\p{M}\u0374\u037e\u0387\u0958-\u0f69\u1160-\u11ff\u1f71-\u1fff\u2000\u2001\u2126\u212a\u212b\u2329\u232a\u2adc"
    r"\uf900-\ufaff\ufb1d-\ufb4e\U0001d15e-\U0001d1c0\U0002f800-\U0002fa1d]"
)

# ftfy's heuristic as Polars can run it: a hundred times faster, but there a space in a class must be written out.
MOJIBAKE = "(?x)" + re.sub(r"\[[^\]]*\]", lambda chars: chars[0].replace(" ", r"\x20"), BADNESS_RE.pattern)

NEAR = 40  # signs: further than ftfy looks
LONG = re.compile(rf"[\x00-\x7f]{{{3 * NEAR},}}")
CUT = "\x00\x01\x00"
HEAD = 64  # characters: where most texts show a second letter

# Marks, and the lone letters that Korean laughs (ㅋㅎ) and cries (ㅠㅜ) with. Other letters and digits are left alone:
# `1000000` is a number.
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«»…·•°★☆♥♡❤～〜。、！？─―—–" + "".join(map(chr, range(0x3131, 0x3164)))
RUN = re.compile(rf"([{re.escape(SIGNS)}])\1{{3,}}")
RUNS = "|".join(rf"{re.escape(sign)}{{4,}}" for sign in SIGNS)


def unescape(text: pl.Series) -> pl.Series:
    """Entities become characters; tags go, those that break a line leaving a space."""
    text = text.map_elements(lambda one: ENTITY.sub(lambda entity: html.unescape(entity[0]), one), pl.String)
    text = text.str.replace_all(HIDDEN, " ").str.replace_all(rf"(?i)</?(?:{BLOCK}){ATTRIBUTES}", " ")
    return text.str.replace_all(rf"(?i)</?(?:{INLINE}){ATTRIBUTES}", "")


def repair(text: pl.Series) -> pl.Series:
    """UTF-8 that was read in another encoding is read again (ftfy); what ftfy leaves, `broken` finds afterwards."""
    return text.map_elements(_repair, pl.String)


def _repair(text: str) -> str:
    """What fix_encoding makes of it: it asks of ASCII signs only those next to others, so long runs go in shortened."""
    if CUT in text:
        return fix_encoding(text)
    midst = [run[NEAR:-NEAR] for run in LONG.findall(text)]
    parts = fix_encoding(LONG.sub(lambda run: run[0][:NEAR] + CUT + run[0][-NEAR:], text)).split(CUT)
    return "".join(chain.from_iterable(zip_longest(parts, midst, fillvalue="")))


def show(text: pl.Series) -> pl.Series:
    """Drop what shows nothing; a joiner stays between two emoji, where it makes one picture of them.

    C1 controls are read as the Windows-1252 signs they were meant to be; the five that mean nothing there stay, and
    `broken` finds them.
    """
    text = text.map_elements(fix_c1_controls, pl.String).str.replace_all(f"{CONTROL}|{INVISIBLE}", "")
    text = text.str.replace_all(rf"(^|[^{JOINED}\u200d])\u200d+", "$1")
    return text.str.replace_all(rf"\u200d+([^{PICTURE}\u200d]|$)", "$1")


def compose(text: pl.Series) -> pl.Series:
    return text.str.normalize("NFC")


def collapse(text: pl.Series) -> pl.Series:
    """White space and line ends become one space, none at the ends."""
    return text.str.replace_all(r"[^\S ]\s*| \s+", " ").str.strip_chars()  # a lone space stays without being written


def shorten(text: pl.Series) -> pl.Series:
    """A run of one mark, or of ㅋ, ㅎ, ㅠ, ㅜ and the like, is three at most.

    One, two and three read differently ("ㅋ" is dry, "ㅋㅋㅋ" laughs; "." ends, "..." trails off); beyond three only
    the tokens grow.
    """
    return text.map_elements(lambda one: RUN.sub(r"\1\1\1", one), pl.String)


def broken(text: pl.Series) -> pl.Series:
    """Which texts were read in a wrong encoding: U+FFFD in them, or mojibake by ftfy's heuristic. Null is not."""
    asked = beyond(text).arg_true()
    found = text.gather(asked).str.contains(rf"{MOJIBAKE}|\ufffd")
    return pl.repeat(False, text.len(), eager=True).scatter(asked, found).alias(text.name)


def beyond(text: pl.Series) -> pl.Series:
    """Which texts have signs beyond ASCII: without any there is neither mojibake nor a mark to compose."""
    return text.str.len_bytes() > text.str.len_chars()


def spam(text: pl.Series) -> pl.Series:
    """Which texts say nothing: no letter but those of placeholders, or one letter three times and more.

    One or two may be a word: "굿~~!!".

    >>> spam(pl.Series(["10/10 :)", "ㅋㅋㅋ", "Aaaa!", "👍👍", "[link]", "ok"])).to_list()
    [True, True, True, True, True, False]
    """
    said = text.str.replace_all(r"\[(?:email|handle|link|card|phone)\]", "")
    head = said.str.head(HEAD).str.replace_all("Σ", "σ", literal=True)  # which is ς in lower case where a text ends
    maybe = _same(head).arg_true()
    letters = _letters(said.gather(maybe))
    alike = _same(said.gather(maybe)) & (letters.str.len_chars() != 1) & (letters.str.len_chars() != 2)
    return pl.repeat(False, text.len(), eager=True).scatter(maybe, alike.fill_null(False)).alias(text.name)


def _same(text: pl.Series) -> pl.Series:
    """Texts whose letters are all one."""
    letters = _letters(text)
    return letters.str.strip_chars(letters.str.head(1)) == ""


def _letters(text: pl.Series) -> pl.Series:
    return text.str.replace_all(r"[^\p{L}]+", "").str.to_lowercase()
