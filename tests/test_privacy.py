"""Personal data in text, and what only looks like it: both ways for every kind."""

import polars as pl
import pytest

from stages.privacy import is_card, mask


def one(text: str) -> str:
    return mask(pl.Series([text])).item()


@pytest.mark.parametrize(
    "number",
    [
        "+7 (912) 345-67-89", "8-912-345-67-89", "8 912 345 67 89", "89123456789", "8 (495) 123-45-67",
        "8(4852)12-34-56",
        "(495) 123-45-67", "912 345-67-89", "+82-2-312-3456", "010-1234-5678", "01012345678", "02-312-3456",
        "(555) 123-4567", "555-123-4567", "1-555-123-4567", "+44 20 7946 0958", "080 500 4949",
    ],
)  # fmt: skip
def test_a_phone_number_is_masked_whole_wherever_it_stands(number):
    assert one(f"звоните {number}, жду") == "звоните [phone], жду"
    assert one(f"번호는{number}로") == "번호는[phone]로"
    assert one(number) == "[phone]"


@pytest.mark.parametrize(
    "text",
    [
        "1999-2003", "в 2019 2020 2021 годах", "1 500 000 руб", "8 000 000 000", "80 000 000 000 won", "12345",
        "1234567890",
        "10:00-22:00", "12.05.2019", "2019-05-12", "09-12-2015", "100-60-90", "3.14159265", "+10 баллов", "4.5/5",
        "100500", "12 000 ₽ за 2 ночи", "10/10", "9.5/10", "7,5 из 10", "с 18:30 до 21:45", "1h 45min 30s",
        "2001-2005-2009",
        "10 10 10 10 10", "1010101010", "8.5 8.0 9.0 7.5",
    ],
)  # fmt: skip
def test_years_prices_dates_and_plain_numbers_stay(text):
    assert one(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("пишите на a.b+c@mail.example.ru, ок", "пишите на [email], ок"),
        ("메일은abc@naver.com로", "메일은[email]로"),
        ("89121234567@mail.ru", "[email]"),
        ("see https://example.com/a?b=1&c=2, ok", "see [link], ok"),
        ("(http://example.com/xy).", "([link])."),
        ("www.naver.com에서 봤다", "[link]에서 봤다"),
        ("주소http://blog.naver.com/abc/220354895392", "주소[link]"),
        ("зайди на kinogo-best.ru/film.", "зайди на [link]."),
        ("http://кино.рф рулит", "[link] рулит"),
        ("my site is films.co.kr", "my site is [link]"),
        ("пиши @ivan_petrov!", "пиши [handle]!"),
        ("(@anna.k)", "([handle])"),
        ("t.me/cheap_deals тут", "[handle] тут"),
        ("https://t.me/+AbC_dEf1 тут", "[handle] тут"),
        ("Telegram: ivan_77, жду", "Telegram: [handle], жду"),
        ("카톡 아이디: movielover 추가", "카톡 아이디: [handle] 추가"),
        ("инстаграм: @masha.k", "инстаграм: [handle]"),
        ("карта 4111 1111 1111 1111 сбер", "карта [card] сбер"),
        ("2200700000000009", "[card]"),
        ("amex 3782-822463-10005.", "amex [card]."),
        ("8-912-345-67-89 или +7 (912) 345-67-80", "[phone] или [phone]"),
    ],
)
def test_personal_data_gives_way_to_its_kind(text, masked):
    assert one(text) == masked
    assert one(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "me@home", "@.@ ^@^ @_@ @@ㅋ", "f@ck, sh@t, @ss", "@ 8pm", "Great film.It was fun.Com on",
        "nice.is it.to me.so",
        "конец.Потом", "e.g. i.e. etc. 7.6/10", "Skype: awful sound", "Instagram: nice", "WhatsApp - lag",
        "Bottom line: fun",
        "и т.д. и т.п.", "J.R.R. Tolkien", "4111 1111 1111 1112", "1985 1989 1990 1991", "2001 2002 2003 2004",
        "4444444444444444", "12345678901236", "555555555555555555", "No.1 vs No.2", "5.1.2019", "10@10",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text):
    assert one(text) == text


@pytest.mark.parametrize(
    ("number", "card"),
    [("79927398713 00000", False), ("4111111111111111", True), ("4111111111111112", False),
     ("5500-0000-0000-0004", True),
     ("0000000000000000", False), ("2000 2000 2000 2000", False),
     ("1900 2010 1900 2099", False), ("2100 2100 2100 2100", True)],
)  # fmt: skip
def test_the_check_digit_tells_a_card(number, card):
    assert is_card(number) == card
