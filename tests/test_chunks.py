"""Tables come out as they went in, with columns added, whatever the size of a chunk."""

import csv
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages import chunks
from stages.refusal import Refusal

CSV = 'id,text,n\n1,"a, b",5\n2,"line\nbreak",\n3,"say ""hi""",7\n'
ADDED = ["answer", "error"]


def copied(path, size: int):
    """The table written again, an answer to each row being its number in its chunk."""
    table = chunks.table(path)
    parts, rows = [], []
    for number, chunk in enumerate(table.chunks(size)):
        part = path.with_name(f"part{number}")
        answers = [str(len(rows) + at) for at in range(len(chunk.rows))]
        errors = [chunk.flaws.get(at) for at in range(len(chunk.rows))]
        table.write(part, chunk, {"answer": answers, "error": errors})
        parts.append(part)
        rows += chunk.rows
    out = path.with_name(f"out{path.suffix}")
    table.join(parts, out, ADDED)
    return out, rows


@pytest.mark.parametrize("size", [1, 2, 100])
def test_csv_keeps_its_text_to_the_byte(tmp_path, size):
    path = tmp_path / "in.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.encode() + b"4,\xff\xfe,9\n\n5,short\n6,a,b,c\n")
    out, rows = copied(path, size)
    told = out.read_bytes()
    assert told.startswith(b'id,text,n,answer,error\n1,"a, b",5,0,\n2,"line\nbreak",,1,\n3,"say ""hi""",7,2,\n')
    assert b"4,\xff\xfe,9,3,\n" in told
    assert b"5,short,,4,no row: 2 fields where the header has 3\n" in told
    assert told.endswith(b'6,a,"b,c",5,no row: 4 fields where the header has 3\n')
    assert rows[1] == {"id": "2", "text": "line\nbreak", "n": ""}


@pytest.mark.parametrize("size", [1, 2, 100])
def test_jsonl_keeps_its_rows_and_says_which_lines_are_none(tmp_path, size):
    path = tmp_path / "in.jsonl"
    lines = ['{"text": "да", "n": 1.5, "deep": {"a": [1]}}', "", "[1]", "{bad", '{"text": "\\ud83d"}', '{"answer": 1}']
    path.write_bytes("\n".join(lines).encode() + b"\n\xff{}\n")
    out, rows = copied(path, size)
    told = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert told[0] == {"text": "да", "n": 1.5, "deep": {"a": [1]}, "answer": "0", "error": None}
    assert [one["error"] is None for one in told] == [True, False, False, True, False, False]
    assert told[1]["line"] == "[1]" and told[2]["line"] == "{bad" and told[3]["text"] == "\ud83d"
    assert told[4]["line"] == '{"answer": 1}' and "answer already" in told[4]["error"]
    assert len(rows) == 6


@pytest.mark.parametrize("size", [1, 2, 100])
def test_parquet_keeps_its_types(tmp_path, size):
    path = tmp_path / "in.parquet"
    table = pl.DataFrame({"text": ["да", None, "нет"], "n": [1, 2, None], "list": [["a"], [], None]})
    table.write_parquet(path)
    out, rows = copied(path, size)
    found = pl.read_parquet(out)
    assert found.drop(ADDED).equals(table) and found.drop(ADDED).schema == table.schema
    assert found["answer"].to_list() == ["0", "1", "2"] and found["error"].to_list() == [None] * 3
    assert rows[0] == {"text": "да", "n": 1, "list": ["a"]}


def test_parquet_text_that_is_no_text_is_read_as_such(tmp_path):
    path = tmp_path / "in.parquet"
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(pa.table({"text": bad}), path)
    out, rows = copied(path, 5)
    assert rows == [{"text": "\udcff\udcfe"}]
    assert pq.read_table(out)["answer"].to_pylist() == ["0"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_chunk_comes_before_the_rest_is_read(tmp_path, ending):
    rows = pl.DataFrame({"text": [f"row {at}" * 10 for at in range(20_000)]})
    path = tmp_path / f"in.{ending}"
    {"csv": rows.write_csv, "jsonl": rows.write_ndjson, "parquet": rows.write_parquet}[ending](path)
    first = next(chunks.table(path).chunks(50))
    assert len(first.rows) == 50 and first.share < 0.05


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("in.txt", b"a", "in.txt"),
        ("in.csv", b"", "an empty first line"),
        ("in.csv", b"a,a\n1,2\n", "a twice"),
        ("in.csv", b"text,answer\n1,2\n", "answer"),
        ("in.parquet", b"no parquet", "Parquet"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path, name, content, found):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refusal) as refused:
        chunks.table(tmp_path / name)
    assert found in refused.value.found


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refusal, match="no such file"):
        chunks.table(tmp_path / "none.csv")


def test_a_quote_that_is_never_closed_is_refused_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "LINE", 1000)
    (tmp_path / "in.csv").write_text('text\n"' + "a" * 2000)
    with pytest.raises(Refusal) as refused:
        list(chunks.table(tmp_path / "in.csv").chunks(5))
    assert refused.value.where.endswith("in.csv, line 2")


@pytest.mark.parametrize(("text", "line"), [('text\na\n"b\nc\nd\n', 3), ('te"xt\n"a" b\n', 2), ('"text\na\n', 1)])
def test_a_quote_that_swallows_rows_is_refused_in_a_short_file_too(tmp_path, text, line):
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(Refusal) as refused:
        list(chunks.table(tmp_path / "in.csv").chunks(5))
    assert refused.value.where.endswith(f"in.csv, line {line}")


def test_a_huge_header_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "LINE", 1000)
    (tmp_path / "in.csv").write_text("a" * 2000)
    with pytest.raises(Refusal, match="field larger than"):
        chunks.table(tmp_path / "in.csv")


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", "\r", "b\r", "b\r\n"])
def test_csv_keeps_every_kind_of_line_end_in_a_field(tmp_path, text):
    path = tmp_path / "in.csv"
    path.write_bytes(f'text,"n\r"\n"{text}",1\n'.encode())
    out, _ = copied(path, 5)
    assert list(csv.reader(out.open("r", encoding="utf-8", newline=""))) == [
        ["text", "n\r", *ADDED],
        [text, "1", "0", ""],
    ]


def test_jsonl_keeps_values_to_the_byte(tmp_path):
    path = tmp_path / "in.jsonl"
    lines = ['{"n": 1e400, "m": 1.00000000000000000001, "m": 2 }', "{ }", '\ufeff{"a":"\\u00e9"}\r']
    path.write_bytes("\n".join(lines[2:] + lines[:2]).encode())
    out, _ = copied(path, 1)
    assert out.read_text("utf-8").splitlines() == [
        '{"a":"\\u00e9", "answer": "0", "error": null}',
        '{"n": 1e400, "m": 1.00000000000000000001, "m": 2, "answer": "1", "error": null}',
        '{"answer": "2", "error": null}',
    ]


def test_parquet_reads_the_columns_that_are_wanted_alone(tmp_path):
    path = tmp_path / "in.parquet"
    far = pa.array([2**62], pa.timestamp("us"))
    zone = pa.array([0], pa.timestamp("us", "Nowhere/None"))
    bad = pa.ListArray.from_arrays([0, 1], pa.array([b"\xff"]).view(pa.string()))
    pq.write_table(pa.table({"text": ["да"], "far": far, "zone": zone, "bad": bad}), path)
    table = chunks.table(path)
    assert [one.rows for one in table.chunks(5, {"text", "none"})] == [[{"text": "да"}]]
    (chunk,) = table.chunks(5)
    assert chunk.rows[0] | {"zone": ""} == {"text": "да", "far": b"", "zone": "", "bad": b""}
    table.write(tmp_path / "part", chunk, {"answer": ["0"], "error": [None]})
    assert pq.read_table(tmp_path / "part")["far"].equals(pq.read_table(path)["far"])


def test_parquet_text_that_is_no_text_is_read_beside_an_empty_one(tmp_path):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": pa.array([b"\xff", b"", None]).view(pa.string())}), path)
    (chunk,) = chunks.table(path).chunks(5)
    assert [row["text"] for row in chunk.rows] == ["\udcff", "", None]


def test_a_line_that_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "LINE", 1000)
    (tmp_path / "in.jsonl").write_text('{"text": "' + "a" * 2000)
    with pytest.raises(Refusal, match="lines of at most"):
        list(chunks.table(tmp_path / "in.jsonl").chunks(5))
