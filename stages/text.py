"""Review text: six rules that make it plain, and a test for text that no rule can save.

A rule is a pattern that finds the rows it may concern and a change for those rows alone: most reviews need none of
them, so the patterns decide how long 600,000 rows take.
"""

import html
import re
from collections.abc import Callable

import polars as pl
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

# A number's end is an ASCII word boundary, since Korean writes its particles right after it.
DOMAIN = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
EMAIL = rf"[A-Za-z0-9._%+-]+@{DOMAIN}"
PHONES = (
    r"\+[1-9](?:[ .()-]{0,2}[0-9]){7,14}",  # +7 (912) 345-67-89, +82-2-312-3456
    r"\b[78][ -]?\(?[3489][0-9]{2}\)?[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}",  # 8-912-345-67-89, 89123456789
    r"(?:\b[78][ -]?)?\([0-9]{3,5}\)[ -]?[0-9]{1,3}[ -]?[0-9]{2}[ -]?[0-9]{2}",  # (495) 123-45-67, 8 (4852) 12-34-56
    r"\b9[0-9]{2}[ -][0-9]{3}[ -][0-9]{2}[ -][0-9]{2}",  # 912 345-67-89
    r"\b01[016789][ .-]?[0-9]{3,4}[ .-]?[0-9]{4}",  # 010-1234-5678, 01012345678
    r"\b0[0-9]{1,2}[).-][0-9]{3,4}[.-][0-9]{4}",  # 02-312-3456, 02)312-3456
    r"(?:\b1[ .-]?)?(?:\([0-9]{3}\) ?|\b[0-9]{3}[.-])[0-9]{3}[.-][0-9]{4}",  # (555) 123-4567, 555-123-4567
)
PHONE = rf"(?-u)(?:{'|'.join(PHONES)})\b"

# ftfy's heuristic as Polars can run it: a hundred times faster, but there a space in a class must be written out.
MOJIBAKE = "(?x)" + re.sub(r"\[[^\]]*\]", lambda chars: chars[0].replace(" ", r"\x20"), BADNESS_RE.pattern)


def unescape(text: pl.Series) -> pl.Series:
    """Entities become characters; tags go, those that break a line leaving a space."""
    text = text.map_elements(lambda one: ENTITY.sub(lambda entity: html.unescape(entity[0]), one), pl.String)
    text = text.str.replace_all(HIDDEN, " ").str.replace_all(rf"(?i)</?(?:{BLOCK}){ATTRIBUTES}", " ")
    return text.str.replace_all(rf"(?i)</?(?:{INLINE}){ATTRIBUTES}", "")


def show(text: pl.Series) -> pl.Series:
    """Drop what shows nothing; a joiner stays between two emoji, where it makes one picture of them.

    C1 controls are read as the Windows-1252 signs they were meant to be; the five that mean nothing there stay, and
    `broken` finds them.
    """
    text = text.map_elements(fix_c1_controls, pl.String).str.replace_all(f"{CONTROL}|{INVISIBLE}", "")
    text = text.str.replace_all(rf"(^|[^{JOINED}\u200d])\u200d+", "$1")
    return text.str.replace_all(rf"\u200d+([^{PICTURE}\u200d]|$)", "$1")


RULES: dict[str, tuple[str, Callable[[pl.Series], pl.Series]]] = {
    "html": (r"[<&]", unescape),
    "control": (rf"{CONTROL}|{C1}|{INVISIBLE}|\u200d", show),
    "nfc": (r"[^\x00-\u02ff]", lambda text: text.str.normalize("NFC")),
    "whitespace": (r"[^\S ]|  |^ | $", lambda text: text.str.replace_all(r"\s+", " ").str.strip_chars()),
    "email": (r"@", lambda text: text.str.replace_all(EMAIL, "[email]")),  # before phone: a number may be a mail name
    "phone": (r"[0-9][ .()-]{0,2}[0-9]{2}", lambda text: text.str.replace_all(PHONE, "[phone]")),
}


def normalise(text: pl.Series) -> tuple[pl.Series, dict[str, int]]:
    """Text after every rule, and how many rows each rule altered. Null stays null.

    >>> normalise(pl.Series(["Ждали&nbsp;час.<br>Звоните: 8-912-345-67-89"]))[0].item()
    'Ждали час. Звоните: [phone]'
    """
    changed = {}
    for name, (pattern, change) in RULES.items():
        concerned = text.str.contains(pattern).arg_true()
        before = text.gather(concerned)
        after = change(before)
        changed[name] = int((before != after).sum())
        text = text.clone().scatter(concerned, after)
    return text, changed


def broken(text: pl.Series) -> pl.Series:
    """Which texts were read in a wrong encoding: U+FFFD in them, or mojibake by ftfy's heuristic. Null is not."""
    return (text.str.contains("\ufffd") | text.str.contains(MOJIBAKE)).fill_null(False)
