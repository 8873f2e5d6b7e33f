"""One row per language and per way of deciding it; and the texts of which nothing is sure."""

import polars as pl
import pytest

from stages import languages
from stages.languages import SCRIPTS, SEVERAL, identify


def one(text: str | None) -> str:
    return identify(pl.Series([text], dtype=pl.String)).item()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("정말 재미있어요", "ko"),
        ("ㅋㅋㅋ", "ko"),
        ("The Lord of the Rings: The Return of the King 최고의 영화", "ko"),
        ("Были в «Burger King» на Тверской", "ru"),
        ("Это кафе", "ru"),
        ("Гарний фільм, раджу всім друзям", "uk"),
        ("Това е много хубав филм, препоръчвам го на всички, които обичат музиката, и ще го гледам отново", "bg"),
        ("It was the best film of the year and I loved it", "en"),
        ("Wonderful acting, superb camera work, great soundtrack", "en"),
        ("Ein guter Film, den ich gerne weiterempfehle", "de"),
        ("Très bon film, je le recommande à tous mes amis", "fr"),
        ("とても面白い映画でした", "ja"),
        ("这部电影非常好看，推荐", "zh"),
        ("Πολύ καλή ταινία", "el"),
        ("فيلم جميل جدا", "ar"),
        ("סרט טוב מאוד", "he"),
        ("หนังสนุกมาก", "th"),
        ("बहुत अच्छी फिल्म", "hi"),
        ("Շատ լավ ֆիլմ", "hy"),
        ("ძალიან კარგი ფილმი", "ka"),
        ("фильм хороший, мне понравился, советую всем", "ru"),
        ("звоните [phone] или [email]", "und"),
        ("спасибо", "und"),
        ("good", "und"),
        ("最高", "und"),
        ("10/10 :)", "und"),
        ("", "und"),
        (None, "und"),
    ],
)
def test_the_language_of_a_text(text, code):
    assert one(text) == code


def test_a_text_is_judged_by_itself():
    texts = pl.Series(
        ["정말 좋은 영화", "so it is the end of the line", None, "Гарний фільм, раджу всім", "!!", "最高"] * 3
    )
    whole = identify(texts).to_list()
    assert whole == [one(text) for text in texts]
    assert identify(texts.head(0)).to_list() == []


def test_the_classifier_is_asked_last(monkeypatch):
    monkeypatch.setattr(languages, "_classifier", lambda script: pytest.fail(f"asked about {script}"))
    assert (
        identify(
            pl.Series(["좋은 영화", "Это вкусно", "this and that is the end", "short one", "ご飯がおいしい"])
        ).n_unique()
        == 5
    )


def test_a_classifier_in_doubt_decides_nothing(monkeypatch):
    class Doubt:
        def classify(self, text):
            return "de", 0.89

    monkeypatch.setattr(languages, "_classifier", lambda script: Doubt())
    assert one("Wonderful acting, superb camera work") == "und"


def test_every_open_script_has_languages_to_tell_among():
    assert {name for name, (code, _) in SCRIPTS.items() if not code} == set(SEVERAL)
