import hashlib
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stages.splits import assign, fraction, judged, pick

GROUPS = pl.Series("group", [f"g{n}" for n in range(5000)])


def test_a_fraction_is_a_hash_of_salt_and_text():
    got = fraction(pl.Series("x", ["a", "б", "a"]), "split").to_list()
    by_hand = [int(hashlib.blake2b(f"split\0{t}".encode(), digest_size=6).hexdigest(), 16) / 2**48 for t in "aбa"]
    assert got == by_hand
    assert got[0] == 0.5429605444047709
    assert got[0] != fraction(pl.Series(["a"]), "pick").item()


def test_fractions_are_spread_evenly():
    numbers = fraction(GROUPS, "split")
    assert numbers.is_between(0, 1, closed="left").all()
    assert numbers.mean() == pytest.approx(0.5, abs=0.02)
    tenths = (numbers * 10).floor().value_counts()["count"]
    assert (tenths.min(), tenths.max()) == (pytest.approx(500, rel=0.2), pytest.approx(500, rel=0.2))


def test_groups_fall_into_the_declared_shares():
    counts = dict(assign(GROUPS, 0.1, 0.2).value_counts().rows())
    assert counts["validation"] == pytest.approx(500, rel=0.15)
    assert counts["test"] == pytest.approx(1000, rel=0.1)
    assert counts["train"] == 5000 - counts["validation"] - counts["test"]
    assert assign(GROUPS, 0.0, 0.0).unique().to_list() == ["train"]
    assert assign(GROUPS, 0.0, 1.0).unique().to_list() == ["test"]


def test_new_rows_and_another_order_move_no_group():
    some = assign(GROUPS.head(100), 0.1, 0.2)
    assert some.equals(assign(GROUPS, 0.1, 0.2).head(100))
    assert some.reverse().equals(assign(GROUPS.head(100).reverse(), 0.1, 0.2))


def test_a_larger_validation_share_takes_from_training_alone():
    small, large = assign(GROUPS, 0.1, 0.2), assign(GROUPS, 0.2, 0.2)
    moved = small != large
    assert set(small.filter(moved)) == {"train"}
    assert set(large.filter(moved)) == {"validation"}


def test_another_process_draws_the_same():
    """Python's own hash() differs from process to process; this one must not."""
    line = """
import polars as pl
from stages.splits import assign
print(assign(pl.Series(map(str, range(20))), 0.3, 0.3).to_list())
"""
    root = Path(__file__).parents[1]
    env = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", line], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(assign(pl.Series(map(str, range(20))), 0.3, 0.3).to_list())


def rows(n: int) -> pl.DataFrame:
    ratings = [1 if i % 10 == 0 else 5 for i in range(n)]
    return pl.DataFrame({"id": [str(i) for i in range(n)], "rating": pl.Series(ratings, dtype=pl.Int8)})


def test_picking_is_by_id_and_seed_alone():
    first = pick(rows(200), 50, False, 7)
    assert first["id"].n_unique() == first.height == 50
    assert first.equals(pick(rows(200).reverse(), 50, False, 7))
    assert not first.equals(pick(rows(200), 50, False, 8))
    assert set(first["id"]) < set(pick(rows(200), 80, False, 7)["id"])
    assert first.columns == ["id", "rating"]


def test_no_limit_picks_all():
    assert set(pick(rows(30), None, False, 7)["id"]) == set(rows(30)["id"])


@pytest.mark.parametrize(("most", "each"), [(10, 5), (None, 20), (1000, 20)])
def test_an_even_pick_has_equally_many_of_each_rating(most, each):
    picked = pick(rows(200), most, True, 7)
    assert dict(picked["rating"].value_counts().rows()) == {1: each, 5: each}
    assert picked["id"].n_unique() == 2 * each


def test_an_even_pick_of_nothing_is_nothing():
    assert pick(rows(0), 10, True, 7).height == 0


def test_half_the_rows_teach_the_judge_whatever_else_there_is():
    ids = pl.Series("id", [str(n) for n in range(2000)])
    teaches = judged(ids)
    assert teaches.mean() == pytest.approx(0.5, abs=0.05)
    assert teaches.head(10).equals(judged(ids.head(10)))
