"""Reviews of a group become one row: which, how many, in what order, and never of two splits."""

import hashlib
from pathlib import Path

import polars as pl
import pytest

from stages import schema
from stages.gather import gather, references
from stages.params import Gather, References
from stages.refusal import Refusal

CATEGORIES = {"еда": ("плов", "чай"), "люди": ("официант",)}
NOBODY = references(None, "test", CATEGORIES)


def want(**words) -> Gather:
    return Gather(**{"categories": CATEGORIES, "silent": "не пишут", "reviews": 4, "least": 3} | words)


def table(sizes: dict[str, int], split: str = "train") -> pl.DataFrame:
    rows = [
        {"id": f"{group}{at}", "group": group, "rubrics": "Кафе", "rating": at % 5 + 1, "split": split,
         "text": f"Плов номер {at}. Официант {at} принёс чай. Было темно.", "keywords": ["плов", f"слово{at}"]}
        for group, size in sizes.items() for at in range(size)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema.ENRICHED)


def gathered(rows: pl.DataFrame, split: str = "train", most: int | None = None, seed: int = 1, **words) -> list[dict]:
    return gather(rows, want(**words), split, "ru", most, seed, NOBODY).to_dicts()


def test_a_group_becomes_a_row_of_its_reviews():
    (row,) = gathered(table({"a": 4}), "test")
    assert (row["id"], row["group"], row["copy"], row["rubrics"], row["split"]) == ("a", "a", 0, "Кафе", "train")
    assert row["rating"] == 3 and sorted(one["rating"] for one in row["reviews"]) == [1, 2, 3, 4]
    assert row["text"] == " ".join(one["text"] for one in row["reviews"])
    assert row["keywords"][0] == "плов" and len(row["keywords"]) == 5, "the commonest first"
    assert (row["categories"], row["silent"], row["references"]) == (["еда", "люди"], "не пишут", [])


def test_sentences_know_their_category_their_review_and_its_rating():
    (row,) = gathered(table({"a": 3}), "test")
    assert len(row["sentences"]) == 9
    for one in row["sentences"]:
        review = row["reviews"][one["review"]]
        assert one["text"] in review["text"] and one["rating"] == review["rating"]
        spoken = {"Плов": "еда", "Официант": "еда", "Было": ""}  # a waiter who brings tea: a tie, and food comes first
        assert one["category"] == spoken[one["text"].split()[0]]


def test_small_groups_are_left_out_and_large_ones_drawn_from():
    rows = gathered(table({"a": 2, "b": 3, "c": 9}), "test")
    assert {row["id"]: len(row["reviews"]) for row in rows} == {"b": 3, "c": 4}


def test_training_groups_are_drawn_several_times_each_time_others():
    rows = gathered(table({"a": 30}), draws=3)
    assert [row["copy"] for row in rows] == [0, 1, 2]
    drawn = [frozenset(one["text"] for one in row["reviews"]) for row in rows]
    assert len(set(drawn)) == 3
    assert len(gathered(table({"a": 30}, "test"), "test", draws=3)) == 1
    first = [one["text"] for one in gathered(table({"a": 4}), draws=2)[0]["reviews"]]
    second = [one["text"] for one in gathered(table({"a": 4}), draws=2)[1]["reviews"]]
    assert first != second and sorted(first) == sorted(second), "the same reviews come in another order"


def test_what_learns_may_have_fewer_reviews_than_what_is_measured():
    sizes = {split: len(gathered(table({"a": 9}, split), split, learn=3)[0]["reviews"]) for split in schema.SPLITS}
    assert sizes == {"train": 3, "validation": 3, "test": 4}


def test_a_limit_takes_every_group_once_before_any_twice():
    rows = gathered(table({"a": 5, "b": 5, "c": 5}), most=4, draws=3)
    assert [row["copy"] for row in rows] == [0, 0, 0, 1] and len({row["id"] for row in rows[:3]}) == 3


def test_the_seed_and_the_ids_decide_and_the_order_of_the_rows_does_not():
    rows = table({"a": 9, "b": 7})
    assert gathered(rows, draws=2) == gathered(rows.reverse(), draws=2)
    assert gathered(rows, draws=2) != gathered(rows, draws=2, seed=2)


def test_rows_of_two_splits_never_meet():
    """Splits follow groups; `tokenize` gathers each split alone, and its suite counts groups that straddle."""
    rows = pl.concat([table({"a": 5}, "train"), table({"b": 5}, "test")])
    for split in ("train", "test"):
        (row,) = gathered(rows.filter(split=split), split)
        assert row["split"] == split


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "written.parquet"
    rows = {"hotel": ["a", "a", "a", "b"], "aspect": ["еда", "еда", "сад", "еда"],
            "summary": ["Плов.\tЧай | кофе.", "Всё вкусно.", "Цветы.", " "]}  # fmt: skip
    pl.DataFrame(rows).write_parquet(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return References(path=str(path), sha256=digest, group="hotel", category="aspect", text="summary")


def test_what_people_wrote_stands_where_it_is_wanted(written):
    told = references(written, "test", CATEGORIES)
    rows = gather(table({"a": 4, "b": 4}), want(), "test", "ru", None, 1, told).sort("id").to_dicts()
    assert [one["text"] for one in rows[0]["references"]] == ["Плов. Чай / кофе.", "Всё вкусно."]
    assert rows[1]["references"] == []
    assert references(written, "train", CATEGORIES).is_empty()


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"sha256": "0" * 64}, ""), ({"path": "none.parquet"}, "no such file"), ({"text": "words"}, "no words")],
)
def test_other_references_are_refused(written, changes, found):
    with pytest.raises(Refusal) as refused:
        references(written.model_copy(update=changes), "test", CATEGORIES)
    assert found in refused.value.found and Path(refused.value.where).suffix == ".parquet"
