from pathlib import Path

import polars as pl
import pytest

from stages.refusal import Refusal
from stages.schema import CLEAN, RAW, read, write

ROW = {"id": "1", "group": "g", "rubrics": "", "rating": 5, "text": "so", "split": "train"}
TABLE = pl.DataFrame([ROW], schema=CLEAN)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "deep" / "table.parquet"


def refused(path: Path, schema: dict = CLEAN) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read(path, schema)
    return refusal.value


def test_a_table_comes_back_as_written(path):
    write(path, TABLE, CLEAN)
    assert read(path, CLEAN).equals(TABLE)
    assert read(path, CLEAN).schema == CLEAN


def test_columns_are_cast_ordered_and_extra_ones_left_out(path):
    loose = TABLE.with_columns(pl.col("rating").cast(pl.Int64), more=1).select(reversed([*CLEAN, "more"]))
    write(path, loose, CLEAN)
    assert pl.read_parquet(path).schema == CLEAN


def test_the_same_rows_give_the_same_bytes(path, tmp_path):
    write(path, TABLE, CLEAN)
    write(tmp_path / "again.parquet", TABLE.clone(), CLEAN)
    assert path.read_bytes() == (tmp_path / "again.parquet").read_bytes()


def test_reading_leaves_further_columns_out(path):
    path.parent.mkdir()
    TABLE.with_columns(more=1).write_parquet(path)
    assert read(path, CLEAN).columns == list(CLEAN)


def test_a_missing_file_is_refused(path):
    assert (refused(path).found, refused(path).where) == ("no such file", str(path))


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_a_torn_file_is_refused(path, keep):
    write(path, TABLE, CLEAN)
    path.write_bytes(path.read_bytes()[:keep])
    assert refused(path).expected == "a readable parquet table"


def test_a_missing_column_is_refused_with_the_columns_found(path):
    path.parent.mkdir()
    TABLE.drop("rating", "text").write_parquet(path)
    assert refused(path).found == "id, group, rubrics, split, question, guide, mark"
    assert refused(path).do.startswith("the table lacks rating, text:")


def test_a_column_of_another_type_is_refused(path):
    write(path, TABLE, CLEAN)
    assert refused(path, RAW).found == "rating is Int8"
