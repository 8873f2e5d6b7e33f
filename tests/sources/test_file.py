"""Small files of every format → the raw table; and every way a file can be wrong → one refusal."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from stages.params import FileSource
from stages.refusal import Refusal
from stages.schema import RAW
from stages.sources.file import read

ALL = {"text": "review", "rating": "stars", "id": "key", "group": "place", "rubrics": "kinds", "split": "part"}
ROWS = [
    ("a", "p1", "Кафе;Бар", "4.", "Вкусно,\tно \"долго\"\nждали \\n", "train"),
    ("b", "p2", None, "10", "ok = fine, да", None),
]  # fmt: skip


def settings(path: Path, columns: dict = ALL, **more) -> FileSource:
    return FileSource(kind="file", path=str(path), format=path.suffix[1:], columns=columns, **more)


def refused(path: Path, columns: dict = ALL, **more) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read(settings(path, columns, **more), 7, "sources.x.collect")
    return refusal.value


@pytest.fixture
def table() -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=RAW, orient="row").rename(ALL)


def put(table: pl.DataFrame, path: Path) -> Path:
    match path.suffix:
        case ".parquet":
            table.write_parquet(path)
        case ".csv":
            table.write_csv(path)
        case ".jsonl":
            table.write_ndjson(path)
        case ".tskv":
            escape = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})
            lines = ("\t".join(f"{k}={v.translate(escape)}" for k, v in row.items() if v) for row in table.to_dicts())
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


FORMATS = ["parquet", "csv", "tskv", "jsonl"]


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_gives_the_same_rows_as_they_came(tmp_path, table, ending):
    rows = read(settings(put(table, tmp_path / f"x.{ending}")), 7, "")
    assert rows.schema == RAW
    assert rows.rows() == ROWS


@pytest.mark.parametrize("ending", FORMATS)
def test_what_the_source_lacks_is_null_and_the_id_is_the_row_number(tmp_path, table, ending):
    rows = read(settings(put(table, tmp_path / f"x.{ending}"), {"text": "review", "rating": "stars"}), 7, "")
    assert rows.drop("text", "rating").rows() == [("0", None, None, None), ("1", None, None, None)]


def test_numbers_become_text_without_loss(tmp_path):
    pl.DataFrame({"i": [10, 2**62], "f": [4.0, 0.1], "s": pl.Series([3, None], dtype=pl.Int8)}).write_parquet(
        tmp_path / "x.parquet"
    )
    rows = read(settings(tmp_path / "x.parquet", {"text": "f", "rating": "s", "id": "i"}), 7, "")
    assert rows.select("id", "text", "rating").rows() == [("10", "4.0", "3"), (str(2**62), "0.1", None)]
    (tmp_path / "x.jsonl").write_text('{"i": 12345678901234567890123, "f": 4.0}\n\n{"i": 10, "f": 4.50}\n{"i": true}\n')
    rows = read(settings(tmp_path / "x.jsonl", {"text": "i", "rating": "f"}), 7, "")
    assert rows.select("text", "rating").rows() == [("12345678901234567890123", "4.0"), ("10", "4.50"), ("true", None)]


def test_signs_in_tskv_are_read_once(tmp_path):
    line = r"tskv" + "\tstars=5.\treview=a\\\\nb\\tc\\nd\\=e=f\t" + "kinds=\r\n\r\n"
    (tmp_path / "x.tskv").write_bytes(b"\xef\xbb\xbf" + line.encode() + b"stars=4.\treview=g")
    rows = read(settings(tmp_path / "x.tskv", {"text": "review", "rating": "stars", "rubrics": "kinds"}), 7, "")
    assert rows["text"].to_list() == ["a\\nb\tc\nd=e=f", "g"]
    assert rows["rubrics"].to_list() == ["", None]


def test_a_csv_field_may_be_long_and_hold_lines_and_an_empty_one_is_null(tmp_path):
    long = "я" * 200_000
    (tmp_path / "x.csv").write_text(f'review,stars\n"a ""b"",\nc",5\n\n{long},\n', encoding="utf-8-sig")
    rows = read(settings(tmp_path / "x.csv", {"text": "review", "rating": "stars"}), 7, "")
    assert rows.select("text", "rating").rows() == [('a "b",\nc', "5"), (long, None)]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path):
    (tmp_path / "x.jsonl").write_text(r'{"t": "a\ud83d\ude00b\ud83dc", "r": null}' + "\n")
    rows = read(settings(tmp_path / "x.jsonl", {"text": "t", "rating": "r"}), 7, "")
    assert rows["text"].item() == "a😀b\ufffdc"


# --- sampling --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path) -> Path:
    pl.DataFrame({"t": [f"t{n}" for n in range(1000)], "i": range(1000)}).write_parquet(tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def sampled(path: Path, n: int, seed: int) -> list[int]:
    rows = read(settings(path, {"text": "t", "rating": "i", "id": "i"}, sample=n), seed, "")
    return rows["id"].cast(pl.Int64).to_list()


def test_a_sample_keeps_so_many_rows_in_order_by_id_and_seed(many):
    first = sampled(many, 100, 7)
    assert len(first) == len(set(first)) == 100
    assert first == sorted(first)
    assert first == sampled(many, 100, 7) != sampled(many, 100, 8)
    assert set(first) < set(sampled(many, 200, 7)), "a larger sample holds the smaller"
    assert sampled(many, 5000, 7) == list(range(1000))
    assert 300 < sum(first) / 100 < 700, "from all over the file, not its head"


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", FORMATS)
def test_a_wrong_column_is_refused_with_the_columns_found_and_the_close_one(tmp_path, table, ending):
    refusal = refused(put(table, tmp_path / f"x.{ending}"), ALL | {"text": "reviews"})
    assert refusal.where == "sources.x.collect.columns.text"
    assert refusal.expected == "a column reviews"
    assert refusal.found == "key, place, kinds, stars, review, part"
    assert refusal.do == "did you mean review?"


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_is_missing_a_folder_or_empty_is_refused(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    refusal = refused(path)
    assert (refusal.found, refusal.where) == ("no such file", str(path))
    assert "sources.x.collect.path" in refusal.do
    path.touch()
    assert refused(path).found == "an empty file"
    path.unlink()
    path.mkdir()
    assert refused(path).found == "a folder"


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_without_rows_is_refused(tmp_path, table, ending):
    assert refused(put(table.clear(), tmp_path / f"x.{ending}")).found == "a file without any"


@pytest.mark.parametrize("keep", [3, 100, -1])
def test_a_torn_parquet_is_refused(tmp_path, table, keep):
    path = put(table, tmp_path / "x.parquet")
    path.write_bytes(path.read_bytes()[:keep])
    refusal = refused(path)
    assert (refusal.expected, refusal.where) == ("a readable parquet table", str(path))


def test_a_changed_file_is_refused_with_both_sums(tmp_path, table):
    path = put(table, tmp_path / "x.csv")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(settings(path, sha256=right), 7, "").height == 2
    refusal = refused(path, sha256="0" * 64)
    assert (refusal.expected, refusal.found) == (f"sha256 {'0' * 64}", f"sha256 {right}")
    assert "sources.x.collect.sha256" in refusal.where


@pytest.mark.parametrize(
    ("name", "content", "line", "found"),
    [
        ("x.csv", "t,r\na,1\nb\n", 3, "1 fields"),
        ("x.csv", "t,r\na,1\nb,2,3\n", 3, "3 fields"),
        ("x.csv", 't,r\n"a\nb",1\n"c,2\n', 4, "unexpected end of data"),
        ("x.csv", 't,r\n"a"b,1\n', 2, "',' expected after '\"'"),
        ("x.jsonl", '{"t": "a", "r": 1}\n{"t": "b", \n', 2, "Expecting property name"),
        ("x.jsonl", '{"t": "a", "r": 1}\n[1]\n', 2, "a list"),
        ("x.jsonl", "[" * 100_000, 1, "recursion"),
        ("x.tskv", "t=a\tr=1\n\nt=b\tc\n", 3, "'t=b\\tc'"),
        ("x.csv", b"t,r\na,1\nb\xff,2\n", 3, "byte 0xff"),
        ("x.jsonl", b'{"t": "a", "r": 1}\n{"t": "\xe9"}\n', 2, "byte 0xe9"),
        ("x.tskv", b"t=a\tr=1\nt=\xc0\n", 2, "byte 0xc0"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(tmp_path, name, content, line, found):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    refusal = refused(path, {"text": "t", "rating": "r"})
    assert refusal.where == f"{path}, line {line}"
    assert found in refusal.found


def test_a_column_of_lists_is_refused(tmp_path):
    pl.DataFrame({"t": [["a", "b"]], "r": [1]}).write_parquet(tmp_path / "x.parquet")
    (tmp_path / "x.jsonl").write_text(json.dumps({"t": ["a"], "r": 1}))
    for name, found in (("x.parquet", "List(String)"), ("x.jsonl", "list")):
        refusal = refused(tmp_path / name, {"text": "t", "rating": "r"})
        assert (refusal.expected, refusal.found) == ("text or numbers in column t", found)


@pytest.mark.parametrize("ending", FORMATS)
def test_ids_missing_in_some_rows_are_refused(tmp_path, table, ending):
    refusal = refused(put(table, tmp_path / f"x.{ending}"), ALL | {"id": "part"})
    assert refusal.where == "sources.x.collect.columns.id"
    assert refusal.found == "1 of 2 rows without one"
