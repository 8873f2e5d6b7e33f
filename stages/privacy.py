"""Personal data in review text: what it looks like, and the placeholder that takes its place.

Names and postal addresses are not looked for: a pattern finds too many heroes and film titles among them.
"""

import re

import polars as pl

# A number's end is an ASCII word boundary, since Korean writes its particles right after it.
DOMAIN = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
EMAIL = rf"[A-Za-z0-9._%+-]+@{DOMAIN}"

# Without http:// or www. only domains that no full stop before a word makes: `nice.It was` is none.
PATH = r"(?::[0-9]{1,5})?(?:[/?#](?:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*[A-Za-z0-9/=&%#_~-])?)?"
TOP = "com|net|org|info|biz|edu|gov|ru|su|ua|kz|kr|jp|cn"
LINK = (
    rf"(?i)(?:https?://|www\.)(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|(?:[а-яё0-9-]+\.)+рф){PATH}"
    rf"|(?-u:\b)(?:[a-z0-9-]+\.)*(?:[a-z0-9-]{{3,}}(?:\.(?:co|or))?|vk|ok|fb)(?-i:\.(?:{TOP}))(?-u:\b){PATH}"
)

# A name after the messenger's address, after @, or after the messenger's own name. There it needs a word for "id", or a
# digit or underscore in it: `Skype: awful sound` names nobody. `me@home`, `@.@` and `f@ck` are no handles.
NAME = r"[A-Za-z](?:\.?[A-Za-z0-9_]){2,30}"
MESSENGER = (
    r"telegram|телеграм\w*|тг|whats ?app|ватсап|вотсап|viber|вайбер|skype|скайп|insta(?:gram)?|инста(?:грам\w*)?"
    r"|kakao(?: ?talk)?|카카오톡|카톡|텔레그램|인스타(?:그램)?"
)
HANDLE = (
    r"(?i)(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|wa\.me|instagram\.com)/[A-Za-z0-9_.@+/-]*[A-Za-z0-9_/]"
    rf"|(?P<before>^|[^A-Za-z0-9_@.])@{NAME}"
    rf"|(?P<named>(?:{MESSENGER}) ?(?:id|ник|아이디) ?[:=-]? ?)@?{NAME}"
    rf"|(?P<numbered>(?:{MESSENGER}) ?[:=-] ?)[A-Za-z]+[0-9_][A-Za-z0-9_]*"
)

CARDS = r"3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}|[2456][0-9]{3}(?:[ -]?[0-9]{4}){3}(?:[ -]?[0-9]{2,3})?"
CARD = re.compile(rf"(?a:\b)(?:{CARDS})(?a:\b)")
PHONES = (
    r"\+[1-9](?:[ .()-]{0,2}[0-9]){7,14}",  # +7 (912) 345-67-89, +82-2-312-3456
    r"\b[78][ -]?\(?[3489][0-9]{2}\)?[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}",  # 8-912-345-67-89, 89123456789
    r"(?:\b[78][ -]?)?\([0-9]{3,5}\)[ -]?[0-9]{1,3}[ -]?[0-9]{2}[ -]?[0-9]{2}",  # (495) 123-45-67, 8 (4852) 12-34-56
    r"\b9[0-9]{2}[ -][0-9]{3}[ -][0-9]{2}[ -][0-9]{2}",  # 912 345-67-89
    r"\b01[016789][ .-]?[0-9]{3,4}[ .-]?[0-9]{4}",  # 010-1234-5678, 01012345678
    r"\b0[578]0[ .-][0-9]{3,4}[ .-][0-9]{4}",  # 080 500 4949
    r"\b0[0-9]{1,2}[).-][0-9]{3,4}[.-][0-9]{4}",  # 02-312-3456, 02)312-3456
    r"(?:\b1[ .-]?)?(?:\([0-9]{3}\) ?|\b[0-9]{3}[.-])[0-9]{3}[.-][0-9]{4}",  # (555) 123-4567, 555-123-4567
)
PHONE = rf"(?-u)(?:{'|'.join(PHONES)})\b"


def emails(text: pl.Series) -> pl.Series:
    return text.str.replace_all(EMAIL, "[email]")


def handles(text: pl.Series) -> pl.Series:
    """What stands before a name stays: "telegram id: ivan" → "telegram id: [handle]"."""
    return text.str.replace_all(HANDLE, "${before}${named}${numbered}[handle]")


def links(text: pl.Series) -> pl.Series:
    return text.str.replace_all(LINK, "[link]")


def cards(text: pl.Series) -> pl.Series:
    """Numbers grouped like a payment card's whose check digit is right; row by row, for few rows have such."""
    return text.map_elements(
        lambda one: CARD.sub(lambda number: "[card]" if is_card(number[0]) else number[0], one), pl.String
    )


def phones(text: pl.Series) -> pl.Series:
    return text.str.replace_all(PHONE, "[phone]")


def is_card(number: str) -> bool:
    """Whether the last digit checks (Luhn's formula, ISO/IEC 7812-1 annex B); a row of years or of one digit is none.

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(sign) for sign in number if sign.isdigit()]
    years = all(1900 <= int(part) <= 2099 for part in re.findall(r"[0-9]{4}", number))
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return total % 10 == 0 and len(set(digits)) > 1 and not years


def mask(text: pl.Series) -> pl.Series:
    """Text with every kind of personal data replaced, in the order that the clean stage uses."""
    for change in (emails, handles, links, cards, phones):
        text = change(text)
    return text
