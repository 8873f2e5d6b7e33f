"""Tables put aside and read back: the same rows, and the same bytes however they were cut."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from stages import blocks, schema
from stages.blocks import Array, Aside, Source, sink
from stages.refusal import Refusal

COLUMNS = {"text": pl.String, "rating": pl.Int8}
TABLE = pl.DataFrame({"text": [f"слово {n}" for n in range(50)], "rating": range(50)}, schema=COLUMNS)


def aside(folder: Path, block: int) -> Aside:
    made = Aside(folder / f"of-{block}", COLUMNS)
    for part in TABLE.iter_slices(block):
        made.add(part)
    return made


@pytest.mark.parametrize("block", [1, 7, 50])
def test_a_table_cut_into_blocks_is_written_as_the_whole(tmp_path, monkeypatch, block):
    schema.write(tmp_path / "whole.parquet", TABLE, COLUMNS)
    made = aside(tmp_path, block)
    made.write(tmp_path / "blocks.parquet")
    assert (tmp_path / "blocks.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    monkeypatch.setattr(blocks, "GROUP", 20)
    made.write(tmp_path / "groups.parquet")
    TABLE.write_parquet(tmp_path / "of-20.parquet", compression="zstd", row_group_size=20)
    assert (tmp_path / "groups.parquet").read_bytes() == (tmp_path / "of-20.parquet").read_bytes()
    assert sum(1 for _ in Source(tmp_path / "whole.parquet", COLUMNS, 10)) == 5
    assert pl.concat(Source(tmp_path / "whole.parquet", COLUMNS, 10)).equals(TABLE)


@pytest.mark.parametrize("block", [1, 7, 50])
def test_texts_are_gathered_from_any_block(tmp_path, block):
    made = aside(tmp_path, block)
    made.add(TABLE.head(0))
    assert made.read().equals(TABLE) and made.rows == 50
    for rows in ([0, 6, 7, 13, 49], []):
        assert made.gather(np.array(rows, np.int64)).equals(TABLE["text"].gather(rows))


@pytest.mark.parametrize("block", [1, 7, 50])
def test_a_source_gives_some_rows_and_is_written_as_it_is(tmp_path, block):
    schema.write(tmp_path / "whole.parquet", TABLE, COLUMNS)
    source = Source(tmp_path / "whole.parquet", COLUMNS, block)
    for rows in ([0, 6, 7, 13, 49], []):
        assert source.gather(np.array(rows, np.int64)).equals(TABLE[rows])
    sink(source.scan(), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_row_groups_are_the_same_however_a_table_was_put_together(tmp_path, monkeypatch):
    """A table of several pieces, of more rows than a row group holds."""
    for module in (blocks, schema):
        monkeypatch.setattr(module, "GROUP", 20)
    schema.write(tmp_path / "whole.parquet", TABLE, COLUMNS)
    schema.write(tmp_path / "pieces.parquet", pl.concat(TABLE.iter_slices(7), rechunk=False), COLUMNS)
    aside(tmp_path, 7).write(tmp_path / "aside.parquet")
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.parquet")}
    assert len(made) == 3 and len(set(made.values())) == 1
    assert pq.read_metadata(tmp_path / "whole.parquet").num_row_groups == 3


def test_no_rows_are_a_table_too(tmp_path):
    Aside(tmp_path / "none", COLUMNS).write(tmp_path / "none.parquet")
    assert schema.read(tmp_path / "none.parquet", COLUMNS).height == 0


def test_an_array_gives_back_the_rows_asked_for(tmp_path):
    array, flat = Array(tmp_path / "wide", np.uint16, 3), Array(tmp_path / "flat", np.uint32)
    assert array[np.array([], int)].shape == (0, 3)
    whole = np.arange(12).reshape(4, 3)
    for part in (whole[:1], whole[1:1], whole[1:]):
        array.add(part)
        flat.add(part[:, 1])
    assert array[np.array([3, 0])].tolist() == [[9, 10, 11], [0, 1, 2]]
    assert flat[np.array([2, 2])].tolist() == [7, 7]


def test_torn_data_are_refused_where_they_are_met(tmp_path):
    path = tmp_path / "torn.parquet"
    schema.write(path, TABLE, COLUMNS)
    data = bytearray(path.read_bytes())
    data[4:60] = bytes(56)
    path.write_bytes(data)
    source = Source(path, COLUMNS, 10)
    with pytest.raises(Refusal) as refusal:
        list(source)
    assert (refusal.value.expected, refusal.value.where) == ("a readable parquet table", str(path))


def test_a_full_disk_is_told_as_the_system_tells_it(tmp_path, monkeypatch):
    @contextmanager
    def full(path):
        yield Path("/dev/full")

    made = aside(tmp_path, 7)
    monkeypatch.setattr(blocks, "replacing", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        made.write(tmp_path / "x.parquet")
    assert error.value.errno == 28 and error.value.filename == str(tmp_path / "x.parquet")
