"""Question, guide and answer in, a mark out; beside it what of the guide the answer says, by words alone."""

import re

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from demo import page, reading
from demo.shelf import Shelf
from stages.lemmas import lemmas_of

TASK = "answer_score"
ENOUGH, SOME = 0.6, 0.3  # share of a point's words that an answer has, to be called said, or partly said
POINT = re.compile(r"(?:^|\s)\d{1,2}[.)]\s+")
NO_REASON = (
    "Why? The model gives a mark and no reasons. Below, each point of the guide is compared with the answer word by "
    "word: an explanation by overlap, not by the model. A point said in other words counts as missing here."
)
EXAMPLES = {
    "A good answer": (
        "Why does a metal spoon feel colder than a wooden spoon in the same drawer?",
        "1. Both spoons have the same temperature. 2. Metal conducts heat much better than wood. "
        "3. Heat flows from the hand into the spoon.",
        "Both spoons have the same temperature, but metal conducts heat much better, so heat flows out of the hand.",
    ),
    "Half of it": (
        "How does TCP make sure that data arrives whole?",
        "1. The segments are numbered. 2. The receiver acknowledges what arrived. "
        "3. What is not acknowledged in time is sent again. 4. A checksum shows damage.",
        "Sequence numbers put everything back in order, and the receiver acknowledges each segment.",
    ),
    "Off the point": (
        "What is a browser's cache for, and when does it cause trouble?",
        "1. It keeps copies of files that were fetched before. 2. Pages load faster with less traffic. "
        "3. It may show an outdated version.",
        "A browser is a program that people use to look at the internet.",
    ),
}


def mark(shelf: Shelf, names: list[str], question: str, guide: str, answer: str) -> str:
    """A card per variant with its mark, then the points of the guide against the answer."""
    if not names:
        return page.notice("Choose at least one model above.")
    for text, what in ((question, "a question"), (guide, "its marking guide"), (answer, "an answer")):
        if why := reading.refused(text, what):
            return page.notice(why, "warning")
    told = shelf.ask(names, {"question": question, "guide": guide, "text": answer})
    marked = [page.variant(shelf, one, _mark(one.answer) if one.answer else "") for one in told]
    remarks = reading.remarks(answer, shelf.language(names[0]))
    return page.notices(remarks) + page.cards(marked) + _why(guide, answer, shelf.language(names[0]))


def _mark(answer) -> str:
    if answer.text is None:
        return ""
    number = float(answer.text)
    shown = max(0.0, min(1.0, number))
    beyond = "" if shown == number else f" <small>(the regressor says {number:.2f}, beyond the scale)</small>"
    sure = f" <small>{answer.confidence:.0%} sure</small>" if answer.confidence is not None else ""
    return f'<p class="verdict">{shown:.2f} <small>of 1</small>{sure}{beyond}</p>{page.meter(shown)}'


def points(guide: str) -> list[str]:
    """The points of a guide: its numbered ones, else its sentences.

    >>> points("1. Air scatters light. 2. Blue most."), points("Air scatters light. Blue most.")
    (['Air scatters light.', 'Blue most.'], ['Air scatters light.', 'Blue most.'])
    """
    numbered = [one.strip() for one in POINT.split(guide) if one.strip()]
    if len(numbered) > 1 or POINT.match(guide):
        return numbered
    return [one.strip() for one in re.split(r"(?<=[.!?])\s+", guide) if one.strip()]


def overlap(guide: str, answer: str, language: str) -> list[tuple[str, float]]:
    """Each point of the guide, and the share of its words (their lemmas, without the commonest) that the answer has."""
    parts = points(guide)
    *said, own = (
        {word for word in lemmas if word not in ENGLISH_STOP_WORDS and len(word) > 1}
        for lemmas in lemmas_of([*parts, answer], language)
    )
    return [(part, len(words & own) / len(words) if words else 0.0) for part, words in zip(parts, said, strict=True)]


def _why(guide: str, answer: str, language: str) -> str:
    rows = []
    for part, share in overlap(guide, answer, language):
        word = "said" if share >= ENOUGH else "partly said" if share >= SOME else "missing"
        rows.append(
            f'<li class="{word.replace(" ", "-")}"><strong>{word}</strong> <span>{page.safe(part)}</span> '
            f"<small>{share:.0%} of its words</small></li>"
        )
    return page.notice(NO_REASON) + f'<ul class="points">{"".join(rows)}</ul>'
