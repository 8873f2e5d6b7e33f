"""Pieces of the page as HTML. Whatever a person or a model wrote goes through `safe` on its way in."""

import html

from demo.shelf import Shelf, Told

MACHINE = "Written by a machine: nobody has been there."


def safe(text: object) -> str:
    """The text as text: no tag, no attribute, no entity of it survives, and no half of a surrogate pair."""
    return html.escape(str(text).encode("utf-8", "replace").decode(), quote=True)


def notice(text: str, kind: str = "note") -> str:
    """A line for the reader: a note, or a warning."""
    return f'<p class="notice {kind}" role="status">{safe(text)}</p>'


def notices(texts: list[str]) -> str:
    return "".join(notice(one, "warning") for one in texts)


def cards(inner: list[str]) -> str:
    return f'<div class="cards" aria-live="polite">{"".join(inner)}</div>'


def card(title: str, body: str, foot: str = "", kind: str = "") -> str:
    """body: HTML; title and foot: text."""
    under = f'<p class="foot">{safe(foot)}</p>' if foot else ""
    return f'<article class="card {kind}"><h3>{safe(title)}</h3>{body}{under}</article>'


def variant(shelf: Shelf, told: Told, body: str) -> str:
    """One variant's answer, how it was trained, and how long it took; or what makes it, where it is missing."""
    if told.missing:
        return card(told.name, f'<p class="missing">Not here yet. {safe(told.missing)}</p>', kind="absent")
    answer = told.answer
    if answer.text is None:
        return card(told.name, f'<p class="missing">It cannot be asked that: {safe(answer.error)}.</p>', kind="absent")
    foot = f"{shelf.kind(told.name)} · {told.seconds * 1000:,.0f} ms"
    cut = f'<p class="cut">{safe(answer.error)}</p>' if answer.error else ""
    return card(told.name, f"{body}{cut}{prompt(answer.prompt)}", foot)


def prompt(text: str, most: int = 600) -> str:
    """What the model was given to read, folded away."""
    shown = text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters in all)"
    return f"<details><summary>What the model read</summary><pre>{safe(shown)}</pre></details>"


def bar(name: str, share: float, best: bool = False) -> str:
    """A labelled bar; its figure stands beside it, for the bar alone says nothing to a screen reader."""
    chosen = " best" if best else ""
    return (
        f'<div class="bar{chosen}"><span class="name">{safe(name)}</span>{_track(share)}'
        f'<span class="figure">{share:.0%}</span></div>'
    )


def meter(share: float) -> str:
    """A bar under a figure that says it already."""
    return f'<div class="meter">{_track(share)}</div>'


def _track(share: float) -> str:
    width = 100 * max(0.0, min(1.0, share))
    return f'<span class="track" aria-hidden="true"><span class="fill" style="width:{width:.1f}%"></span></span>'
