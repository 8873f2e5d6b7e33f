"""Rows as literals → the measures that the suites see."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.measures import drift, imbalance, of_recipe, of_source, rating_shares
from stages.schema import CLEAN


def rows(*texts: str | None, **columns: list) -> pl.DataFrame:
    """Clean rows with these texts, ids r0, r1, …, each a group of its own, rated 4, to train on."""
    of = len(texts)
    given = {
        "id": [f"r{n}" for n in range(of)],
        "group": [f"g{n}" for n in range(of)],
        "rating": [4] * of,
        "text": list(texts),
        "split": ["train"] * of,
        "rubrics": [""] * of,
    }
    return pl.DataFrame(dict.fromkeys(CLEAN) | given | columns, schema=CLEAN)


def measured(table: pl.DataFrame, *rules) -> pl.DataFrame:
    return of_source([table], *rules)


def faults(name: str, *texts: str | None, language: str = "ru", **columns: list) -> list[int]:
    return measured(rows(*texts, **columns), 100, language, None)[name].to_list()


def test_lengths_are_counted_in_characters_and_in_words_and_marks():
    table = measured(rows(" Ждали час! ", "<b>", "영화 최고", ""), 2, "ru", None)
    assert table["chars"].to_list() == [10, 3, 5, 0]
    assert table["tokens"].to_list() == [3, 3, 2, 0]
    assert table["truncated"].to_list() == [1, 1, 0, 0]
    assert table["chars_p95"].unique().to_list() == [10.0]


def test_equal_answers_to_two_questions_are_no_duplicates():
    same = ["so", "So!", "so", "so"]
    assert faults("duplicate", *same, question=["a", "a", "b", "a"]) == [0, 0, 0, 1]
    assert faults("loose_duplicate", *same, question=["a", "a", "b", "a"]) == [0, 1, 0, 1]
    assert faults("duplicate", *same) == [0, 0, 1, 1]


def test_each_rating_has_a_column_of_ones_and_zeros():
    table = measured(rows("a", "b"), 2, "en", None)
    assert [table[f"rating_{rating}"].sum() for rating in (1, 2, 3, 4, 5)] == [0, 0, 0, 2, 0]


def test_no_text_is_among_the_measures():
    assert not any(kind == pl.String for kind in measured(rows("a"), 2, "en", None).schema.values())


def test_a_null_is_a_measure_that_fails_rather_than_one_passed_over():
    table = measured(rows(None, rating=[None]), 2, "ru", None)
    assert table.select("rating", "chars", "tokens", "text_empty", "rating_unknown").rows() == [(0, 0, 0, 1, 1)]
    assert sum(table.null_count().row(0)) == 0


def test_both_rows_of_an_id_are_at_fault():
    assert faults("id_repeated", "a", "b", "c", id=["x", "y", "x"]) == [1, 0, 1]


def test_the_later_of_equal_texts_is_a_duplicate_and_of_nearly_equal_ones_a_loose_one():
    texts = ("Очень вкусно!", "очень  ВКУСНО", "Очень вкусно!", "!!!", "???", None, None)
    assert faults("duplicate", *texts) == [0, 0, 1, 0, 0, 0, 0]
    assert faults("loose_duplicate", *texts) == [0, 1, 1, 0, 0, 0, 0]


def test_a_group_in_two_splits_is_at_fault_with_all_its_rows():
    found = faults(
        "group_straddles", "a", "b", "c", "d", group=["x", "x", "y", "y"], split=["train", "test"] + ["test"] * 2
    )
    assert found == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("language", "flags"),
    [("ru", [0, 0, 1, 1, 0]), ("en", [1, 1, 0, 1, 0]), ("ko", [1, 1, 1, 0, 0]), ("uk", [0, 0, 1, 1, 0])],
)
def test_a_text_is_off_language_when_most_of_its_letters_are_of_another_script(language, flags):
    texts = ("Отлично", "Хорошее кафе Wi-Fi", "Lovely", "최고의 영화 CGV", "10/10 :-)")
    assert faults("off_language", *texts, language=language) == flags


def test_a_language_whose_script_is_not_known_is_not_asked():
    assert "off_language" not in measured(rows("a"), 2, "xx", None).columns


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("email", "пишите the.owner+1@cafe-bar.example.ru!"),
        ("handle", "@cafe_owner"),
        ("handle", "пишите (@cafe_owner)"),
        ("handle", "문의:@cafe_owner로"),
        ("handle", "канал T.me/cafe"),
        ("handle", "wa.me/79123456789"),
        ("handle", "см. telegram.me/+abc"),
        ("handle", "instagram.com/cafe"),
        ("handle", "@cafe_owner"),
        ("handle", "пишите (@cafe_owner)"),
        ("handle", "문의:@cafe_owner로"),
        ("handle", "канал T.me/cafe"),
        ("handle", "wa.me/79123456789"),
        ("handle", "см. telegram.me/+abc"),
        ("handle", "Instagram.com/cafe"),
        ("link", "см. HTTPS://example.com"),
        ("link", "на www.example.com"),
        ("phone", "+7 (912) 345-67-89"),
        ("phone", "тел.89123456789"),
        ("phone", "010-1234-5678로 전화"),
        ("phone", "+82 10 1234 5678"),
        ("card", "карта 4111 1111 1111 1111"),
        ("card", "5500-0055-5555-5559, срочно"),
        ("markup", "конец </s>"),
        ("markup", "<extra_id_12>"),
        ("markup", "[MASK] is a film"),
        ("markup", "<rating>: 5"),
        ("markup", "rating 5 | rubrics Кафе"),
    ],
)
def test_what_must_not_be_left_in_a_text_is_found(what, text):
    assert faults(what, text, "Ничего такого здесь нет") == [1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "100000000000000점", "2012.10.12 - 2013.01.14", "цена 1 200 300 рублей", "[phone] [email] [link] [card]",
        "4111 1111 1111 1112", "0000 0000 0000 0000", "5555555555555555", "я @ дома", "www", "<Solaris> и <영화>",
        "rating 5 из 5", "смотрел(а) 3 раза, 10/10", "89 лет, 123 45 67",
        "f@cking @.@ [handle] @ home", "not.me/either t.me best.me/x", "meet me@noon", "5@ @10 @영화관",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_left_alone(text):
    table = measured(rows(text), 100, "ru", None)
    assert table.select("email", "handle", "link", "phone", "card", "markup").row(0) == (0, 0, 0, 0, 0, 0)


def luhn(digits: str) -> bool:
    """The check as ISO/IEC 7812-1 words it: from the right, every second digit doubled, its digits summed."""
    doubled = [int(d) * (2 if at % 2 else 1) for at, d in enumerate(reversed(digits))]
    return sum(sum(map(int, str(d))) for d in doubled) % 10 == 0


@settings(deadline=None)  # a shared machine may pause for longer than any row takes
@given(st.integers(2 * 10**15, 7 * 10**15 - 1).map(str))
def test_a_card_is_a_number_that_passes_luhn(digits):
    assert faults("card", f"карта {digits}") == [luhn(digits)]


# --- figures of the whole --------------------------------------------------------------------------------------------


def test_drift_is_the_population_stability_index():
    # Siddiqi's form by hand: (0.5 − 0.25)·ln 2 + (0.5 − 0.75)·ln(2/3)
    assert drift({"1": 0.5, "5": 0.5}, {"1": 0.25, "5": 0.75}) == pytest.approx(
        0.25 * math.log(2) - 0.25 * math.log(2 / 3)
    )
    assert drift({"1": 1.0}, {"1": 1.0}) == 0
    gone = drift({"1": 0.0, "5": 1.0}, {"1": 0.1, "5": 0.9})
    assert gone == pytest.approx((1e-4 - 0.1) * math.log(1e-4 / 0.1) + 0.1 * math.log(1 / 0.9)), "finite, and large"


SHARES = st.dictionaries(st.sampled_from("12345"), st.floats(0, 1), min_size=1)


@settings(deadline=None)
@given(SHARES, SHARES)
def test_drift_is_never_negative_and_the_same_both_ways(now, before):
    assert drift(now, before) >= 0
    assert drift(now, before) == pytest.approx(drift(before, now))


def test_drift_stands_in_every_row_where_a_snapshot_was_accepted():
    accepted = {"1": 0.0, "2": 0.0, "3": 0.0, "4": 0.5, "5": 0.5}
    table = measured(rows("a", "b"), 2, "en", accepted)
    assert table["rating_drift"].to_list() == [drift({"4": 1.0}, accepted)] * 2
    assert "rating_drift" not in measured(rows("a"), 2, "en", None).columns


def test_shares_and_imbalance_count_rated_rows_only():
    ratings = pl.Series([5, 5, 5, 1, 0], dtype=pl.Int64)
    assert rating_shares(ratings) == {"1": 0.25, "2": 0.0, "3": 0.0, "4": 0.0, "5": 0.75}
    assert imbalance(pl.Series([5, 5, 5, 1, None])) == 3.0
    assert imbalance(pl.Series([], dtype=pl.Int8)) == 1.0


def test_a_recipes_rows_are_measured_in_its_own_tokens():
    given = rows(
        "Суп", "Борщ!", "a", split=["train", "train", "test"], rating=[5, 5, 1], id=["x", "x", "y"]
    ).with_columns(copy=pl.Series([0, 1, 0]), keywords=pl.Series([["суп"], [], None], dtype=pl.List(pl.String)))
    table = of_recipe(given, {"prompt": [3, 9, 4], "target": [1, 1, 2]}, {"prompt": 4, "target": 2})
    assert table["chars"].to_list() == [3, 5, 1]
    assert table["keyworded"].to_list() == [1, 0, 0]
    assert table["id_repeated"].to_list() == [0, 0, 0], "a copy that balance made is no repeated id"
    assert table["prompt_truncated"].to_list() == [0, 1, 0] and table["target_truncated"].sum() == 0
    assert table["prompt_tokens_p95"][0] == 9.0
    assert table["rating_imbalance"][0] == 1.0, "of the training rows, which are all fives"
    assert of_recipe(given.with_columns(copy=0), {}, {})["id_repeated"].to_list() == [1, 1, 0]
