"""Rubrics, stars and keywords in, a review out: marked as what it is, a machine's."""

from demo import page, reading
from demo.shelf import Shelf

TASK = "review_generation"
EXAMPLES = {
    "A fine café": ("Кафе;Кондитерская", 5, "десерт, кофе"),
    "A slow pizzeria": ("Пиццерия;Доставка пиццы", 2, "пицца, официант"),
    "A so-so pool": ("Спортивный комплекс;Обучение плаванию", 3, "сауна, урок плавание"),
    "A dentist": ("Стоматология", 1, "врач, цена"),
}
MOST = 400  # characters of rubrics, and as many of keywords


def write(shelf: Shelf, names: list[str], rubrics: str, stars: int, keywords: str, draw: float = 1) -> str:
    """A card per variant with the review it writes. draw: another number, other draws; the same, the same review."""
    if not names:
        return page.notice("Choose at least one model above.")
    if not stars:
        return page.notice("Choose the stars first.")
    for box, what in ((rubrics or "", "rubrics"), (keywords or "", "keywords")):
        if box.strip() and (why := reading.refused(box, what, MOST)):
            return page.notice(why, "warning")
    asked = f"{rubrics or ''} {keywords or ''}"
    row = {"rating": stars, "rubrics": rubrics or "", "keywords": keywords or ""}
    told = shelf.ask(names, row, int(draw or 0))
    remarks = reading.remarks(asked, shelf.language(names[0])) if asked.strip() else []
    written = [page.variant(shelf, one, _review(one.answer.text) if one.answer else "") for one in told]
    return page.notices(remarks) + page.cards(written)


def _review(text: str | None) -> str:
    if not text:
        return '<p class="missing">It wrote nothing this time. Try another draw.</p>'
    return f'<p class="machine">{page.safe(page.MACHINE)}</p><blockquote>{page.safe(text)}</blockquote>'
