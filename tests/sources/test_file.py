"""Small files of every format → the raw table; and every way a file can be wrong → one refusal."""

import hashlib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.params import FileSource
from stages.refusal import Refusal
from stages.schema import RAW
from stages.sources import file, formats, lines, quoted
from stages.sources.batch import CONTENT, REJECTS, rejected
from stages.sources.draw import Draw

ALL = {
    "text": "review", "rating": "stars", "id": "key", "group": "place", "rubrics": "kinds", "split": "part",
    "question": "asked", "guide": "points",
}  # fmt: skip
ROWS = [
    ("a", "p1", "Кафе;Бар", "4.", "Вкусно,\tно \"долго\"\nждали \\n", "train", "Why?", "1. So."),
    ("b", "p2", None, "10", "ok = fine, да", None, None, None),
]  # fmt: skip


def settings(path: Path, columns: dict = ALL, **more) -> FileSource:
    return FileSource(kind="file", path=str(path), format=path.suffix[1:], columns=columns, **more)


def collected(wanted: FileSource) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows, rejects) of all batches; their account is checked on the way."""
    batches = list(file.read(wanted, "sources.x.collect"))
    assert all(batch.read == batch.rows.height + len(batch.rejects) for batch in batches)
    empty = pl.DataFrame(schema=RAW), pl.DataFrame(schema=REJECTS)
    rows, rejects = [batch.rows for batch in batches], [rejected(batch) for batch in batches]
    return pl.concat([empty[0], *rows]), pl.concat([empty[1], *rejects])


def read(wanted: FileSource) -> pl.DataFrame:
    """The rows, where none is rejected."""
    rows, rejects = collected(wanted)
    assert rejects.is_empty()
    return rows


def refused(path: Path, columns: dict = ALL, **more) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        collected(settings(path, columns, **more))
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
    rows = read(settings(put(table, tmp_path / f"x.{ending}")))
    assert rows.schema == RAW
    assert rows.rows() == ROWS


@pytest.mark.parametrize("ending", FORMATS)
def test_what_the_source_lacks_is_null_and_the_id_is_the_row_number(tmp_path, table, ending):
    rows = read(settings(put(table, tmp_path / f"x.{ending}"), {"text": "review", "rating": "stars"}))
    assert rows.drop("text", "rating").rows() == [("0", *[None] * 5), ("1", *[None] * 5)]


def test_numbers_become_text_without_loss(tmp_path):
    pl.DataFrame({"i": [10, 2**62], "f": [4.0, 0.1], "s": pl.Series([3, None], dtype=pl.Int8)}).write_parquet(
        tmp_path / "x.parquet"
    )
    rows = read(settings(tmp_path / "x.parquet", {"text": "f", "rating": "s", "id": "i"}))
    assert rows.select("id", "text", "rating").rows() == [("10", "4.0", "3"), (str(2**62), "0.1", None)]
    (tmp_path / "x.jsonl").write_text('{"i": 12345678901234567890123, "f": 4.0}\n\n{"i": 10, "f": 4.50}\n{"i": true}\n')
    rows = read(settings(tmp_path / "x.jsonl", {"text": "i", "rating": "f"}))
    assert rows.select("text", "rating").rows() == [("12345678901234567890123", "4.0"), ("10", "4.50"), ("true", None)]


def test_signs_in_tskv_are_read_once(tmp_path):
    line = r"tskv" + "\tstars=5.\treview=a\\\\nb\\tc\\nd\\=e=f\t" + "kinds=\r\n\r\n"
    (tmp_path / "x.tskv").write_bytes(b"\xef\xbb\xbf" + line.encode() + b"stars=4.\treview=g")
    rows = read(settings(tmp_path / "x.tskv", {"text": "review", "rating": "stars", "rubrics": "kinds"}))
    assert rows["text"].to_list() == ["a\\nb\tc\nd=e=f", "g"]
    assert rows["rubrics"].to_list() == ["", None]


def test_a_csv_field_may_be_long_and_hold_lines_and_an_empty_one_is_null(tmp_path):
    long = "я" * 200_000
    (tmp_path / "x.csv").write_text(f'review,stars\n"a ""b"",\nc",5\n\n{long},\n', encoding="utf-8-sig")
    rows = read(settings(tmp_path / "x.csv", {"text": "review", "rating": "stars"}))
    assert rows.select("text", "rating").rows() == [('a "b",\nc', "5"), (long, None)]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path):
    (tmp_path / "x.jsonl").write_text(r'{"t": "a\ud83d\ude00b\ud83dc", "r": null}' + "\n")
    rows = read(settings(tmp_path / "x.jsonl", {"text": "t", "rating": "r"}))
    assert rows["text"].item() == "a😀b\ufffdc"


# --- sampling --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path) -> Path:
    pl.DataFrame({"t": [f"t{n}" for n in range(1000)], "i": range(1000)}).write_parquet(tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def sampled(path: Path, n: int, seed: int) -> list[int]:
    rows, draw = read(settings(path, {"text": "t", "rating": "i", "id": "i"})), Draw(n, seed)
    held = [one for start in range(0, rows.height, 70) for one in draw.add(rows[start : start + 70])]
    kept = pl.concat([*held, *draw.rest()])["id"].cast(pl.Int64).to_list()
    assert len(kept) + draw.left_out == rows.height
    return kept


def test_a_sample_by_group_keeps_whole_groups():
    rows = pl.DataFrame({"id": [str(at) for at in range(90)], "group": [str(at % 9) for at in range(80)] + [None] * 10})
    drawn = {}
    for most in (30, 40):
        draw = Draw(most, 1, "group")
        tables = [table for block in (rows[:40], rows[40:]) for table in draw.add(block)] + list(draw.rest())
        drawn[most] = pl.concat(tables)
        assert drawn[most].height == most and drawn[most]["id"].cast(pl.Int64).is_sorted()
        kept = drawn[most].drop_nulls("group").group_by("group").len()
        whole = rows.drop_nulls("group").group_by("group").len()
        assert kept.join(whole, on=["group", "len"], how="anti").height <= 1, "all but the last are whole"
    assert set(drawn[30]["id"]) < set(drawn[40]["id"])


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
    assert refusal.found == "key, place, kinds, stars, review, part, asked, points"
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


@pytest.mark.parametrize("keep", [3, 100, -1])
def test_a_torn_parquet_is_refused(tmp_path, table, keep):
    path = put(table, tmp_path / "x.parquet")
    path.write_bytes(path.read_bytes()[:keep])
    refusal = refused(path)
    assert (refusal.expected, refusal.where) == ("a readable parquet table", str(path))


def test_a_changed_file_is_refused_with_both_sums(tmp_path, table):
    path = put(table, tmp_path / "x.csv")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(settings(path, sha256=right)).height == 2
    refusal = refused(path, sha256="0" * 64)
    assert (refusal.expected, refusal.found) == (f"sha256 {'0' * 64}", f"sha256 {right}")
    assert "sources.x.collect.sha256" in refusal.where


def test_a_column_of_lists_is_refused_in_parquet_and_rejected_by_the_row_in_jsonl(tmp_path):
    pl.DataFrame({"t": [["a", "b"]], "r": [1]}).write_parquet(tmp_path / "x.parquet")
    refusal = refused(tmp_path / "x.parquet", {"text": "t", "rating": "r"})
    assert (refusal.expected, refusal.found) == ("text or numbers in column t", "List(String)")
    (tmp_path / "x.jsonl").write_text('{"t": "a", "r": 1}\n{"t": ["a"], "r": 1}\n')
    rows, rejects = collected(settings(tmp_path / "x.jsonl", {"text": "t", "rating": "r"}))
    assert rows["text"].to_list() == ["a"]
    assert rejects.drop("file").rows() == [(2, "not_text", '{"t": ["a"], "r": 1}')]


@pytest.mark.parametrize("ending", FORMATS)
def test_ids_missing_in_some_rows_are_refused(tmp_path, table, ending):
    refusal = refused(put(table, tmp_path / f"x.{ending}"), ALL | {"id": "part"})
    assert refusal.where == "sources.x.collect.columns.id"
    assert refusal.found == "1 of 2 rows without one"


# --- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "texts", "rejects"),
    [
        ("x.csv", "t,r\na,1\nb\n", ["a"], [(3, "bad_fields", "b")]),
        ("x.csv", "t,r\na,1\nb,2,3\nc,4\n", ["a", "c"], [(3, "bad_fields", "b,2,3")]),
        ("x.csv", 't,r\n"a\nb",1\n"c,2\n', ["a\nb"], [(4, "bad_quotes", '"c,2')]),
        ("x.csv", 't,r\n"c,2\nd,1\n"e",3\nf,4\n', ["d", "e", "f"], [(2, "bad_quotes", '"c,2')]),
        ("x.csv", 't,r\n"a"b",1\nc,2', ["c"], [(2, "bad_quotes", '"a"b",1')]),
        (
            "x.csv", 't,r\n"one\ntwo "2" two\nthree",5\nd,1\ne"5,2\n', ["d", 'e"5'],
            [(2, "bad_quotes", '"one'), (3, "bad_fields", 'two "2" two'), (4, "bad_quotes", 'three",5')],
        ),
        ("x.csv", "t,r\na,1\nt,r\nb,2\n", ["a", "b"], [(3, "repeated_header", "t,r")]),
        ("x.csv", b"t,r\na,1\nb\xff,2\nc,3\n", ["a", "c"], [(3, "bad_encoding", "b\ufffd,2")]),
        ("x.csv", b't,r\n"a\nb\xff\nc",2\nd,3\n', ["d"], [(2, "bad_encoding", '"a\nb\ufffd\nc",2')]),
        ("x.csv", b"t,r\na\0,1\nb,2\n", ["b"], [(2, "nul_byte", "a\0,1")]),
        ("x.jsonl", '{"t": "a", "r": 1}\n{"t": "b", \n', ["a"], [(2, "bad_json", '{"t": "b", ')]),
        ("x.jsonl", '{"t": "a", "r": 1}\n\n[1]\n', ["a"], [(3, "bad_json", "[1]")]),
        ("x.jsonl", '{"t": "a", "r": 1}\n{"t": 1, "t": 2}\n', ["a"], [(2, "repeated_key", '{"t": 1, "t": 2}')]),
        ("x.jsonl", '{"t": "a", "r": 1}\n' + "[" * 100_000, ["a"], [(2, "bad_json", "[" * 2000)]),
        ("x.jsonl", b'{"t": "a", "r": 1}\n{"t": "\xe9"}\n', ["a"], [(2, "bad_encoding", '{"t": "\ufffd"}')]),
        ("x.tskv", "t=a\tr=1\n\nt=b\tc\n", ["a"], [(3, "bad_fields", "t=b\tc")]),
        ("x.tskv", "t=a\tr=1\nt=b\tt=c\n", ["a"], [(2, "repeated_key", "t=b\tt=c")]),
        ("x.tskv", b"t=a\tr=1\nt=\xc0\nt=c", ["a", "c"], [(2, "bad_encoding", "t=\ufffd")]),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_set_aside_with_its_number_and_reason(tmp_path, name, content, texts, rejects):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows, bad = collected(settings(path, {"text": "t", "rating": "r"}))
    assert rows["text"].to_list() == texts
    assert bad.rows() == [(str(path), *one) for one in rejects]


@pytest.mark.parametrize(
    ("ending", "line"), [("csv", "{},1"), ("tskv", "t={}\tr=1"), ("jsonl", '{{"t": "{}", "r": 1}}')]
)
def test_lines_longer_than_the_cap_are_set_aside_wherever_a_block_ends(tmp_path, monkeypatch, ending, line):
    for block in (1, 7, 64, 4096):
        monkeypatch.setattr(lines, "BLOCK", block)
        monkeypatch.setattr(lines, "LINE", 50)
        texts = ["a", "b" * 60, "c", "d" * 600, "e", "f" * 900]
        path = tmp_path / f"x.{ending}"
        path.write_text("t,r\n" * (ending == "csv") + "\n".join(line.format(text) for text in texts))
        rows, bad = collected(settings(path, {"text": "t", "rating": "r"}))
        assert rows["text"].to_list() == ["a", "c", "e"]
        first = 2 if ending == "csv" else 1
        assert bad.select("line", "reason").rows() == [(first + n, "line_too_long") for n in (1, 3, 5)]


def test_quotes_never_closed_cost_a_bounded_number_of_lines_read_again(tmp_path, monkeypatch):
    """Each line leaves a quote open and closes the one before: read again from each, that would be quadratic."""
    one, count = quoted._Feed.__next__, []
    monkeypatch.setattr(quoted._Feed, "__next__", lambda feed: count.append(1) or one(feed))
    monkeypatch.setattr(quoted, "AGAIN", 5000)
    path = tmp_path / "x.csv"
    path.write_text("t,r\n" + 'a","c\n' * 3000)
    rows, bad = collected(settings(path, {"text": "t", "rating": "r"}))
    assert rows.is_empty()
    assert bad["line"].to_list() == list(range(2, 3002))
    assert set(bad["reason"]) == {"bad_quotes"}
    assert len(count) < 15_000, "of 4.5 million"


def test_text_in_parquet_that_is_not_utf8_or_too_long_is_set_aside_by_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "LINE", 50)
    cells = [b"fine", b"\xff\xfe", None, b"x" * 60, "\ufffd".encode()]
    text = pa.Array.from_buffers(pa.string(), 5, pa.array(cells, pa.binary()).buffers())
    pq.write_table(pa.table({"t": text, "r": [1, 2, 3, 4, 5]}), tmp_path / "x.parquet")
    rows, bad = collected(settings(tmp_path / "x.parquet", {"text": "t", "rating": "r"}))
    assert rows.select("text", "rating").rows() == [("fine", "1"), (None, "3"), ("\ufffd", "5")]
    assert bad.select("line", "reason").rows() == [(2, "bad_encoding"), (4, "line_too_long")]


@pytest.mark.parametrize(
    ("ending", "line"), [("csv", b'"%s",1'), ("tskv", b"t=%s\tr=1"), ("jsonl", b'{"t": "%s", "r": 1}')]
)
def test_a_line_of_ten_megabytes_is_set_aside_and_its_content_cut(tmp_path, ending, line):
    path = tmp_path / f"x.{ending}"
    cells = [line % b"a", line % (b"b" * 10**7), line % b"c"]
    path.write_bytes((b"t,r\n" if ending == "csv" else b"") + b"\n".join(cells))
    rows, bad = collected(settings(path, {"text": "t", "rating": "r"}))
    assert rows["text"].to_list() == ["a", "c"]
    assert bad["reason"].to_list() == ["line_too_long"]
    assert bad["content"].str.len_chars().to_list() == [CONTENT]


def test_rows_are_accounted_for_in_every_batch_of_a_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(quoted, "ROWS", 2)
    path = tmp_path / "a.csv"
    path.write_text("t,r\na,1\nb\nc,3\nd,4\ne,5\n")
    rows, rejects = collected(settings(path, {"text": "t", "rating": "r"}))
    assert rows["text"].to_list() == ["a", "c", "d", "e"] and rejects.height == 1
    assert [batch.read for batch in file.read(settings(path, {"text": "t", "rating": "r"}), "a")] == [2, 2, 1]
