"""The dirt planted among the synthetic reviews: which kinds, how many rows of each, and how a row is spoiled.

A spoiled row has one kind of dirt only, so that the clean stage's account can be compared with `planted` by number.
"""

import random
import unicodedata

# kind → rows in a thousand. Rejected for it, under the same name:
REJECTED = {
    "duplicate": 15, "broken_encoding": 8, "empty_text": 5, "too_short": 4, "too_long": 1, "rating_missing": 3,
    "rating_unreadable": 3, "rating_out_of_range": 4,
}  # fmt: skip
# and cleaned by the rule of the same name:
CLEANED = {"html": 12, "control": 6, "nfc": 4, "phone": 8, "email": 5}

WORDS = {
    "places": {
        "and": " и ",
        "short": ("ок", "!", "))", "ъ"),
        "out_of_range": ("0", "6", "7", "11", "-1"),
        "unreadable": ("пять", "n/a", "отлично", "★★★★★"),
        "composed": "Спасибо, что прочитали мой отзыв.",  # its й has a decomposed form
        "phone": ("Телефон для связи: {}.", "Звонили по номеру {}.", "Мой номер {}."),
        "numbers": ("+7 (900) 000-{}-{}", "8 800 000-{}-{}", "8-900-000-{}-{}", "+7900000{}{}"),
        "email": ("Писали на {}.", "Почта для ответа: {}."),
        "addresses": ("info{}@example.ru", "otzyv.{}@example.com", "help-{}@mail.example.ru"),
        "mangled": "",
    },
    "films": {
        "and": " and ",
        "short": ("ok", "!", ":)", "A"),
        "out_of_range": ("0", "11", "12", "100"),
        "unreadable": ("ten", "n/a", "two thumbs up", "A+"),
        "composed": "Seen at the Café Lumière.",
        "phone": ("Call me at {}.", "My number is {}.", "Text {} if you agree."),
        "numbers": ("+1 (555) 010-{}{}", "(555) 010-{}{}", "555-010-{}{}", "+1 555 010 {}{}"),
        "email": ("Write to {}.", "Reach me at {}."),
        "addresses": ("reviewer{}@example.com", "film.fan.{}@example.org", "mail-{}@post.example.com"),
        "mangled": " I can’t say it’s “art”.",
    },
    "answers": {
        "and": " and ",
        "short": ("ok", "!", "?", "A"),
        "out_of_range": ("-1", "1.5", "2", "100"),
        "unreadable": ("half", "n/a", "full mark", "A+"),
        "composed": "So our teacher Zoë says.",
        "phone": ("Call me at {}.", "My number is {}.", "Text {} about my mark."),
        "numbers": ("+1 (555) 010-{}{}", "(555) 010-{}{}", "555-010-{}{}", "+1 555 010 {}{}"),
        "email": ("Write to {}.", "Reach me at {}."),
        "addresses": ("student{}@example.com", "class.b.{}@example.org", "mail-{}@post.example.com"),
        "mangled": " That’s the “short” version, isn’t it.",
    },
}
LONG = 3000  # characters; a too long text has more
CONTROL = ("\u200b", "\ufeff", "\u200e", "\x07", "\x02")


def planted(corpus: str, rows: int) -> dict[str, int]:
    """Rows of each kind of dirt among `rows` raw rows: the same shares in each corpus, at least 3 from 500 rows on."""
    if corpus not in WORDS:
        raise ValueError(f"no such corpus: {corpus!r}")
    least = 3 if rows >= 500 else 0
    return {kind: max(least, rows * share // 1000) for kind, share in (REJECTED | CLEANED).items()}


def spoil(rng: random.Random, corpus: str, kind: str, row: dict, earlier: list[dict]) -> dict:
    """`row` with one kind of dirt. earlier: the clean rows above it, one of which a duplicate repeats in all but its id
    and rating.
    """
    words, text = WORDS[corpus], row["text"]
    two = (f"{rng.randrange(100):02}", f"{rng.randrange(100):02}")
    match kind:
        case "duplicate":
            same = rng.choice(earlier)
            copy, same = same["text"], {name: same[name] for name in ("split", "question", "guide")}
            text = rng.choice((copy, copy, f" {copy}", copy + "\n", copy.replace(" ", "  ", 2)))
            return row | same | {"text": text}
        case "broken_encoding":
            return row | {"text": _broken(rng, text + words["mangled"])}
        case "empty_text":
            return row | {"text": rng.choice(("", "   ", " \n", None))}
        case "too_short":
            return row | {"text": rng.choice(words["short"])}
        case "too_long":
            return row | {"text": " ".join([text] * (LONG // len(text) + 1))}
        case "rating_missing":
            return row | {"rating": rng.choice((None, "", " "))}
        case "rating_unreadable":
            return row | {"rating": rng.choice(words["unreadable"])}
        case "rating_out_of_range":
            return row | {"rating": rng.choice(words["out_of_range"])}
        case "html":
            return row | {"text": _html(rng, text, words["and"])}
        case "control":
            place = rng.randrange(1, len(text))
            return row | {"text": text[:place] + rng.choice(CONTROL) + text[place:]}
        case "nfc":
            return row | {"text": unicodedata.normalize("NFD", f"{text} {words['composed']}")}
        case "phone":
            number = rng.choice(words["numbers"]).format(*two)
            return row | {"text": f"{text} {rng.choice(words['phone']).format(number)}"}
        case "email":
            address = rng.choice(words["addresses"]).format(two[0])
            return row | {"text": f"{text} {rng.choice(words['email']).format(address)}"}
    raise ValueError(f"no such dirt: {kind!r}")


def _broken(rng: random.Random, text: str) -> str:
    """UTF-8 read as Windows-1251 or 1252, or letters lost to the replacement character."""
    if rng.random() < 0.6:
        wrong = text.encode().decode(rng.choice(("cp1251", "cp1252")), errors="replace")
        return wrong.replace("\xad", "\ufffd")  # a soft hyphen would be a second kind of dirt
    lost = set(rng.sample(range(len(text)), max(2, len(text) // 12)))
    return "".join("\ufffd" if index in lost else letter for index, letter in enumerate(text))


def _html(rng: random.Random, text: str, conjunction: str) -> str:
    """Tags and entities of a web page, at least one of them."""
    words = text.split(" ")
    place = rng.randrange(len(words))
    mark = rng.choice(("<b>{}</b>", "<i>{}</i>", "&quot;{}&quot;", '<a href="https://example.com">{}</a>'))
    words[place] = mark.format(words[place])
    text = " ".join(words)
    if rng.random() < 0.5:
        text = text.replace(". ", ".<br /><br />", 1)
    return text.replace(conjunction, " &amp; ", 1) if rng.random() < 0.3 else text
