import polars as pl
import pytest

from stages import rejects
from stages.refusal import Refusal


def table(n: int) -> pl.DataFrame:
    return pl.DataFrame({"row": range(n), "text": [f"t{i % 40}" for i in range(n)], "reason": ["b"] * (n - 1) + ["a"]})


def test_twenty_texts_of_each_reason_are_drawn_whatever_the_order():
    told = rejects.examples(table(100), seed=1)
    assert list(told) == ["b", "a"] and {reason: of["rows"] for reason, of in told.items()} == {"b": 99, "a": 1}
    texts = [row["text"] for row in told["b"]["shown"]]
    assert len(texts) == len(set(texts)) == rejects.SHOWN == 20
    assert told == rejects.examples(table(100).reverse(), seed=1)
    assert told != rejects.examples(table(100), seed=2)
    assert texts != [f"t{i}" for i in range(rejects.SHOWN)], "not the first ones"


def test_nulls_are_left_out():
    rows = pl.DataFrame({"text": [None], "id": ["7"], "reason": ["x"]}, schema_overrides={"text": pl.String})
    assert rejects.examples(rows, 1) == {"x": {"rows": 1, "shown": [{"id": "7"}]}}


def test_a_table_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    with pytest.raises(Refusal, match="no such file"):
        rejects.scan(path, "reason")
    path.write_bytes(b"PAR1")
    with pytest.raises(Refusal, match="readable parquet"):
        rejects.scan(path, "reason")
    pl.DataFrame({"text": ["a"]}).write_parquet(path)
    with pytest.raises(Refusal, match="reason"):
        rejects.scan(path, "reason")
