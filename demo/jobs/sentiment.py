"""A review in, its tone out, with how sure the model is of each."""

from demo import page, reading
from demo.shelf import Shelf

TASKS = ("sentiment_label", "sentiment_text")
EXAMPLES = {
    "Praise": "The villain gives the performance of a lifetime. I cannot praise it enough.",
    "A let-down": "Two hours I will not get back. The plot makes no sense and the jokes fall flat.",
    "Mixed": "Lovely music, but the story drags and the ending is a shrug.",
    "Irony": "Oh great, another sequel nobody asked for. Just what the world needed.",
}


def judge(shelf: Shelf, names: list[str], text: str) -> str:
    """A card per variant with its label and a bar for every label."""
    if not names:
        return page.notice("Choose at least one model above.")
    if why := reading.refused(text, "a review"):
        return page.notice(why, "warning")
    told = shelf.ask(names, {"text": text})
    answered = [page.variant(shelf, one, _label(one.answer) if one.answer else "") for one in told]
    return page.notices(reading.remarks(text, shelf.language(names[0]))) + page.cards(answered)


def _label(answer) -> str:
    if answer.text is None:
        return ""
    sure = f"{answer.confidence:.0%} sure" if answer.confidence is not None else "no label of its own"
    bars = "".join(page.bar(label, share, label == answer.text) for label, share in (answer.chances or {}).items())
    return f'<p class="verdict {page.safe(answer.text)}">{page.safe(answer.text)} <small>{sure}</small></p>{bars}'
