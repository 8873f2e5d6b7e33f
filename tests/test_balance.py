"""Rows as literals → the rows a remedy draws; and its ratios, whatever the counts."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.balance import balance, counts, shares
from stages.params import AsIs, Cap, Temperature
from stages.splits import pick


def rows(of: dict[int, int]) -> pl.DataFrame:
    """Rows with that many of each rating, and a list column, as keywords are."""
    ratings = [rating for rating, n in of.items() for _ in range(n)]
    given = {"id": [f"r{n}" for n in range(len(ratings))], "rating": ratings, "keywords": [["a", "b"]] * len(ratings)}
    return pl.DataFrame(given, schema_overrides={"rating": pl.Int8})


def drawn(of: dict[int, int], how: object, most: int | None = None, seed: int = 7) -> pl.DataFrame:
    return balance(rows(of), how, most, seed)


NONE, SQUARE, EVEN = AsIs(kind="none"), Temperature(kind="temperature", tau=0.5), Temperature(kind="temperature", tau=0)


@pytest.mark.parametrize("most", [None, 50])
def test_no_remedy_is_the_plain_draw(most):
    assert drawn({1: 20, 5: 180}, NONE, most).drop("copy").equals(pick(rows({1: 20, 5: 180}), most, False, 7))
    assert drawn({1: 20, 5: 180}, NONE, most)["copy"].unique().to_list() == [0]


@pytest.mark.parametrize(("most", "each"), [(None, {1: 20, 2: 30, 5: 30}), (1000, {1: 20, 2: 30, 5: 30}), (8, None)])
def test_a_cap_keeps_at_most_so_many_of_each_rating_and_repeats_none(most, each):
    found = drawn({1: 20, 2: 40, 5: 180}, Cap(kind="cap", most=30), most)
    assert each is None or Counter(found["rating"]) == each
    assert found.height == (8 if most == 8 else 80) == found["id"].n_unique()
    assert set(found["copy"]) == {0}


def test_a_temperature_repeats_what_is_rare_and_keeps_the_total():
    found = drawn({1: 10, 5: 90}, SQUARE)  # √0.1 to √0.9 is 1 to 3
    assert Counter(found["rating"]) == {1: 25, 5: 75}
    times = Counter(Counter(found.filter(rating=1)["id"]).values())
    assert times == {2: 5, 3: 5}, "each row of the rare rating twice, and half of them, drawn by a hash, once more"
    assert found.filter(rating=5)["id"].n_unique() == 75
    assert found.select("id", "copy").is_unique().all() and set(found["copy"]) == {0, 1, 2}
    assert found["keywords"].to_list() == [["a", "b"]] * 100
    assert found.columns == ["id", "rating", "keywords", "copy"]


def test_a_limit_takes_new_rows_of_a_rare_rating_before_it_repeats_one():
    found = drawn({1: 100, 5: 900}, EVEN, most=200)
    assert Counter(found["rating"]) == {1: 100, 5: 100} and found["id"].n_unique() == 200


@pytest.mark.parametrize("how", [NONE, SQUARE, Cap(kind="cap", most=30)])
def test_it_is_drawn_by_id_and_seed_alone(how):
    of = {1: 20, 5: 180}
    assert balance(rows(of).reverse(), how, 120, 7).equals(drawn(of, how, 120))
    assert not drawn(of, how, 120, seed=8).equals(drawn(of, how, 120))
    assert drawn(of, how, 120)["id"].to_list() != sorted(drawn(of, how, 120)["id"]), "ratings lie mixed"


def test_of_no_rows_none_are_drawn():
    for how in (NONE, SQUARE, Cap(kind="cap", most=3)):
        assert drawn({}, how).height == 0


RATINGS = st.dictionaries(st.integers(1, 5), st.integers(1, 60), min_size=1)


@settings(deadline=None)  # a shared machine may pause for longer than any row takes
@given(RATINGS, st.floats(0, 1), st.none() | st.integers(1, 80))
def test_ratios_are_as_asked(of, tau, most):
    found = drawn(of, Temperature(kind="temperature", tau=tau), most)
    total = min(most or sum(of.values()), sum(of.values()))
    assert found.height == total
    for rating, share in shares(of, tau).items():
        part = found.filter(rating=rating)
        assert abs(part.height - share * total) < 1
        repeats = set(Counter(part["id"]).values())
        assert len(repeats) <= 2 and max(repeats, default=0) - min(repeats, default=0) <= 1, "as evenly as can be"
        if part.height > of[rating]:
            assert part["id"].n_unique() == of[rating], "none is repeated while another was not taken"


def test_shares_keep_their_order_and_largest_remainders_fill_the_rest():
    assert shares({1: 10, 5: 90}, 0.5) == pytest.approx({1: 0.25, 5: 0.75})
    assert shares({1: 1, 3: 1, 5: 8}, 0) == pytest.approx({1: 1 / 3, 3: 1 / 3, 5: 1 / 3})
    assert counts(pl.Series([1] * 2 + [3] * 3 + [5] * 5), 1.0, 7) == {1: 1, 3: 2, 5: 4}  # 1.4, 2.1, 3.5
