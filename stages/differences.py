"""Where two versions of a text differ, cut to what is worth reading and with nothing left invisible."""

import difflib
import re
import unicodedata

TOKEN = re.compile(r"\w+|\s|[^\w\s]")
MOST = 400  # tokens compared between the first and the last difference: the comparison is quadratic
CHANGES = 6  # changes shown of one text
AROUND = 40  # characters of equal text kept beside a change


def differences(before: str, after: str) -> list[tuple[str, str]]:
    """The two texts as pieces in reading order: ("same" | "gone" | "new", text). Long equal stretches are cut.

    Compared by words, spaces and marks (Ratcliff and Obershelp's matching blocks, as difflib has them), so that a
    change reads as words. Characters that show nothing are spelled out where they changed.

    >>> differences("Ждали&nbsp;час", "Ждали час")
    [('same', 'Ждали'), ('gone', '&nbsp;'), ('new', ' '), ('same', 'час')]
    """
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    ends = old[:head], old[len(old) - tail :]
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    whole = max(len(old), len(new)) <= MOST
    pieces = [("same", "".join(ends[0]))]
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old[:MOST], new[:MOST], autojunk=False).get_opcodes():
        same, gone, fresh = ("".join(part) for part in (old[a:b], old[a:b], new[c:d]))
        pieces += [("same", same)] if tag == "equal" else [("gone", visible(gone)), ("new", visible(fresh))]
    pieces = [(kind, text) for kind, text in [*pieces, ("same", "".join(ends[1]))] if text]
    return _cut(pieces, whole)


def visible(text: str) -> str:
    """Spell out the characters that show nothing or hang on another one: U+200B as ⟨U+200B⟩; a space stays."""
    return "".join(f"⟨U+{ord(one):04X}⟩" if _hidden(one) else one for one in text)


def _hidden(one: str) -> bool:
    return one != " " and unicodedata.category(one) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me", "Co", "Cn", "Cs")


def _shared(one: list[str], other: list[str]) -> int:
    """How many leading tokens are equal."""
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return n
    return min(len(one), len(other))


def _cut(pieces: list[tuple[str, str]], whole: bool) -> list[tuple[str, str]]:
    """At most CHANGES changes, with AROUND characters of equal text on either side of each."""
    shown, changes = [], 0
    for n, (kind, text) in enumerate(pieces):
        changes += kind != "same" and (n == 0 or pieces[n - 1][0] == "same")
        if changes > CHANGES:
            return [*shown, ("same", "…")]
        if kind == "same" and len(text) > 2 * AROUND:
            left = text[:AROUND] if n else ""
            right = text[-AROUND:] if n < len(pieces) - 1 else ""
            text = f"{left} … {right}".strip() if len(pieces) > 1 else f"{text[: 2 * AROUND]} …"
        shown.append((kind, text if len(text) <= 600 else f"{text[:600]} …"))
    return shown if whole else [*shown, ("same", "…")]
