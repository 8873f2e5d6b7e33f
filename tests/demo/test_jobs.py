"""What stands behind each tab: the cards, and clear words for what cannot be answered. No browser, no Gradio."""

import re
from types import SimpleNamespace

import pytest

from demo import page, reading
from demo.jobs import marking, sentiment, summary, writing
from demo.shelf import Told

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"> ужасно & холодно'


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def answers(shelf) -> dict:
    """tab → how it is asked for a text."""
    return {
        "writing": lambda text: writing.write(shelf, ["t5-full"], text, 5, ""),
        "sentiment": lambda text: sentiment.judge(shelf, ["bert-full"], text),
        "summary": lambda text: summary.summarise(shelf, "t5-sum", text),
        "marking": lambda text: marking.mark(shelf, ["bert-pair"], text, "1. Суп холодный.", text),
    }


@pytest.mark.parametrize("tab", ["writing", "sentiment", "summary", "marking"])
def test_nothing_that_is_pasted_becomes_markup(shelf, tab):
    told = answers(shelf)[tab](HOSTILE)
    assert "<script" not in told and "<img" not in told and 'onerror="' not in told


@pytest.mark.parametrize("tab", ["sentiment", "summary", "marking"])
@pytest.mark.parametrize("text", ["", "  \n ", None])
def test_an_empty_box_is_told_what_it_wants(shelf, tab, text):
    assert "Nothing to read yet" in answers(shelf)[tab](text)


@pytest.mark.parametrize("tab", ["writing", "sentiment", "summary", "marking"])
def test_a_huge_text_is_not_read(shelf, tab):
    told = answers(shelf)[tab]("суп " * 100_000)
    assert "400,00" in told and "card" not in told


def test_another_language_is_said(shelf):
    told = sentiment.judge(shelf, ["bert-full"], "This is the best of all the films that I have seen this year.")
    assert "This reads as English. The model learnt Russian alone" in told and 'class="card' in told
    assert "reads as" not in sentiment.judge(shelf, ["bert-full"], "Отличный суп, придём ещё раз всей семьёй.")


def test_a_label_comes_with_a_bar_for_each_and_how_sure(shelf):
    told = sentiment.judge(shelf, ["bert-full", "t5-text"], "Отличный суп.")
    own = shelf.ask(["bert-full"], {"text": "Отличный суп."})[0].answer
    assert f"{own.text} <small>{own.confidence:.0%} sure" in told
    assert told.count('class="bar') == 6 and re.search(r"on bert · [\d,]+ ms", told)
    assert "What the model read" in told and "тональность" not in told


def test_a_review_is_marked_as_a_machines(shelf):
    told = writing.write(shelf, ["t5-full", "t5-lora"], "Кафе", 2, "суп, официант", 4)
    assert told.count(page.MACHINE) == told.count("<blockquote>") == 2
    assert "rating 2 | rubrics Кафе | keywords суп, официант" in told
    again = writing.write(shelf, ["t5-full", "t5-lora"], "Кафе", 2, "суп, официант", 4)
    other = writing.write(shelf, ["t5-full", "t5-lora"], "Кафе", 2, "суп, официант", 5)
    texts = [re.findall(r"<blockquote>(.*?)</blockquote>", one) for one in (told, again, other)]
    assert texts[0] == texts[1] != texts[2]


def test_too_many_keywords_are_told_on_the_card(shelf):
    told = writing.write(shelf, ["t5-full"], "", 2, "а, б, в, г, д, е, ж")
    assert "It cannot be asked that: 7 keywords: 6 at most." in told


@pytest.mark.parametrize(
    "ask",
    [
        lambda shelf: writing.write(shelf, [], "Кафе", 2, ""),
        lambda shelf: sentiment.judge(shelf, [], "Суп"),
        lambda shelf: summary.summarise(shelf, None, "Суп"),
        lambda shelf: marking.mark(shelf, [], "a", "b", "c"),
    ],
)
def test_no_model_is_no_answer(shelf, ask):
    assert "Choose" in ask(shelf)


def test_a_missing_model_says_what_makes_it(shelf):
    told = writing.write(shelf, ["t5-gone", "t5-full"], "Кафе", 2, "")
    assert "Not here yet" in told and "dvc repro train@t5-gone" in told and told.count("<blockquote>") == 1


REVIEWS = "5 Суп отличный, горячий.\n1 Официант груб.\n4 Уютный зал."


def test_each_category_has_a_card_that_quotes_a_review(shelf):
    told = summary.summarise(shelf, "t5-sum", REVIEWS)
    assert re.search(r"<h3>еда</h3>.*of 10.*<blockquote>Суп отличный, горячий\.", told)
    assert re.search(r"<h3>люди</h3>.*<blockquote>Официант груб\.", told)
    assert "Nobody speaks of it" in summary.summarise(shelf, "t5-sum", "5 Уютный зал.\n5 Зал уютный.\n4 Тихо.")


def test_a_csv_with_the_names_that_people_use_is_read(shelf, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text('Оценка,Отзыв\n5,"Суп отличный, горячий."\n,Официант груб.\n4,Уютный зал.\n', "utf-8")
    assert summary.read(str(file)) == ([
        {"rating": "5", "text": "Суп отличный, горячий."}, {"rating": None, "text": "Официант груб."},
        {"rating": "4", "text": "Уютный зал."},
    ], 0, False)  # fmt: skip
    assert "Официант груб." in summary.summarise(shelf, "t5-sum", "", str(file))
    file.write_text("a,b\n1,2\n")
    assert "The file cannot be read" in summary.summarise(shelf, "t5-sum", "", str(file))


def test_more_reviews_than_are_read_are_counted(shelf):
    told = summary.summarise(shelf, "t5-sum", "\n".join(f"5 Суп номер {at}." for at in range(9)))
    assert "9 reviews were given; the first 5 are read." in told
    assert "hardly one" in summary.summarise(shelf, "t5-sum", "5 Суп отличный.")


class Recorder:
    """A shelf that keeps what it is asked, and has no model."""

    def __init__(self, reviews: int = 5):
        self.asked = []
        recipe = SimpleNamespace(rows=SimpleNamespace(gather=SimpleNamespace(reviews=reviews)))
        self.settings = SimpleNamespace(recipes={"any": recipe})

    def ask(self, names, row, seed=0):
        self.asked.append(row)
        return [Told(name, missing="None here.") for name in names]

    def language(self, name):
        return "ru"


@pytest.mark.parametrize("text", ["Отзыв,Оценка\nСуп,5\n", "text,rating\nСуп,5\n"])
def test_a_csv_in_another_encoding_is_told_to_be_saved_as_utf_8(tmp_path, text):
    file = tmp_path / "in.csv"
    file.write_bytes(text.encode("cp1251"))
    told = summary.summarise(Recorder(), "any", "", str(file))
    assert "This is not UTF-8: save the file as UTF-8." in told and told.encode()


def test_a_half_surrogate_ends_no_answer():
    assert "This is not UTF-8" in writing.write(Recorder(), ["any"], "Кафе \ud83d", 5, "")
    assert page.safe("a\ud83d<b>") == "a?&lt;b&gt;"


def test_rubrics_and_keywords_have_a_limit_each():
    shelf = Recorder()
    assert "None here." in writing.write(shelf, ["any"], "а" * 400, 5, "б" * 400)
    assert "401 characters" in writing.write(shelf, ["any"], "", 5, "б" * 401) and len(shelf.asked) == 1


def test_of_a_long_csv_the_first_rows_are_read_and_those_that_are_none_are_counted(tmp_path):
    file, shelf = tmp_path / "in.csv", Recorder()
    file.write_text("text,rating\n" + "Суп,5\n" * 998 + "Суп, но остыл,2\n" * 4, "utf-8")
    told = summary.summarise(shelf, "any", "", str(file))
    assert "More than 998 reviews were given; the first 5 are read." in told and "2 rows of the file were left" in told
    assert shelf.asked == [{"reviews": [{"rating": "5", "text": "Суп"}] * 998}]
    file.write_text("text,rating\n" + "Суп,5\n" * 1000, "utf-8")
    told = summary.summarise(Recorder(2000), "any", "", str(file))
    assert "reviews were given" not in told and "left out" not in told


def test_a_mark_lies_on_the_scale_and_the_guide_is_compared_by_words(shelf):
    guide = "1. Air scatters light. 2. Blue light most. 3. Ozone absorbs."
    told = marking.mark(shelf, ["bert-pair"], "Why is the sky blue?", guide, "Air scatters blue light.")
    assert re.search(r"[01]\.\d\d of 1", plain(told)) and "an explanation by overlap, not by the model" in told
    verdicts = re.findall(r"<strong>(.*?)</strong>", told)
    assert verdicts == ["said", "said", "missing"]


def test_the_points_of_a_guide_are_its_numbers_or_its_sentences():
    assert marking.points("1. Air. 2) Blue, 2.5 times.") == ["Air.", "Blue, 2.5 times."]
    assert marking.points("Air scatters. Blue most!") == ["Air scatters.", "Blue most!"]
    assert marking.points("1. Alone") == ["Alone"]


def test_remarks_say_that_a_text_was_altered():
    assert reading.remarks("Звоните 8-912-345-67-89", "ru") == ["The text was tidied as the training texts were."]
    assert reading.remarks("Отличный суп", "ru") == []
