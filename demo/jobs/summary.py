"""Many reviews of one place in, a card for each category out: its score, and what a reviewer said of it."""

from pathlib import Path

from demo import page, reading
from demo.shelf import Shelf
from stages import chunks, summaries
from stages.refusal import Refusal

TASK = "review_summary"
MOST = 200_000  # characters of all reviews together
ROWS = 1000  # of a csv file
TEXTS, STARS = ("text", "review", "отзыв", "текст"), ("rating", "stars", "score", "оценка")  # columns of a csv
EXAMPLES = {
    "A café": "\n".join([
        "5 Кофе отличный, десерт тает во рту. Официантка улыбалась и всё подсказала.",
        "4 Зал уютный, веранда просторная. Цены выше средних.",
        "2 Ждали заказ сорок минут. Официант забыл про нас. Суп остыл.",
        "5 Завтрак вкусный, музыка спокойная. Придём ещё.",
        "1 Туалет грязный, кассир грубила. За такой чек ждёшь другого.",
    ]),
    "A garage": "\n".join([
        "5 Мастер всё показал и объяснил. Ремонт подвески сделали за день.",
        "5 Стоимость работ приятно удивила. Записали через онлайн-запись.",
        "1 Вернули машину с вмятиной. Администратор разводит руками.",
        "4 Зона ожидания чистая, кофе есть. Диагностику сделали быстро.",
    ]),
}  # fmt: skip


def summarise(shelf: Shelf, name: str, pasted: str, file: str | None = None) -> str:
    """A card per category from reviews pasted one a line, or from a csv file with a column of texts."""
    if not name:
        return page.notice("Choose a model above.")
    try:
        reviews, flawed, more = read(file) if file else (pasted or "", 0, False)
    except Refusal as refusal:
        why = f"The file cannot be read. Expected {refusal.expected}, found {refusal.found}."
        return page.notice(reading.refused(refusal.found, "reviews") or why, "warning")
    flat = reviews if isinstance(reviews, str) else "\n".join(one["text"] for one in reviews)
    if why := reading.refused(flat, "reviews, one a line", MOST):
        return page.notice(why, "warning")
    told = shelf.ask([name], {"reviews": reviews})[0]
    remarks = reading.remarks(flat, shelf.language(name)) + _count(shelf, name, reviews, more)
    if flawed:
        remarks.append(f"{flawed:,} rows of the file were left out: they have not as many fields as its header.")
    if told.missing or told.answer.text is None:
        return page.notices(remarks) + page.cards([page.variant(shelf, told, "")])
    recipe = shelf.settings.recipes[name]
    silent = recipe.rows.gather.silent
    parts = summaries.read(told.answer.text, tuple(recipe.rows.gather.categories)).parts
    inner = [_category(category, score, text, silent) for category, (score, text) in parts.items()]
    foot = f"{name}: {shelf.kind(name)} · {told.seconds * 1000:,.0f} ms"
    cut = [told.answer.error] if told.answer.error else []
    quoted = "Each sentence is quoted from a review; each score is the model's guess."
    return (
        page.notices(remarks + cut) + page.notice(quoted) + page.cards(inner) + f'<p class="foot">{page.safe(foot)}</p>'
    )


def read(file: str) -> tuple[list[dict], int, bool]:
    """The reviews of a csv file's first ROWS rows, {rating, text}; how many rows are none; whether there are more.

    Its columns may be called as people call them.
    """
    table = chunks.table(Path(file))
    names = {name.strip().lower(): name for name in table.columns}
    text = next((names[one] for one in TEXTS if one in names), None)
    stars = next((names[one] for one in STARS if one in names), None)
    if text is None:
        raise Refusal(f"a column called {', '.join(TEXTS)}", ", ".join(table.columns), file, "rename one")
    first = next(table.chunks(ROWS + 1), chunks.Chunk([], {}, None, 1.0))
    told = first.rows[:ROWS]
    rows = [row for at, row in enumerate(told) if at not in first.flaws]
    reviews = [{"rating": row.get(stars) or None, "text": row.get(text) or ""} for row in rows]
    return reviews, len(told) - len(rows), len(first.rows) > ROWS


def _count(shelf: Shelf, name: str, reviews: str | list, more: bool) -> list[str]:
    most = shelf.settings.recipes[name].rows.gather.reviews
    there = len([one for one in reviews.splitlines() if one.strip()] if isinstance(reviews, str) else reviews)
    given = f"{'More than ' if more else ''}{there:,} reviews were given"
    told = [f"{given}; the first {min(there, most)} are read."] if more or there > most else []
    if there < 3:
        told.append("A summary of one or two reviews is hardly one: the model learnt from some fifty at a time.")
    return told


def _category(name: str, score: int, text: str, silent: str) -> str:
    if text == silent:
        return page.card(name, '<p class="missing">Nobody speaks of it.</p>', kind="absent")
    told = f'<p class="verdict">{score} <small>of 10</small></p>{page.meter(score / 10)}'
    return page.card(name, f"{told}<blockquote>{page.safe(text)}</blockquote>")
