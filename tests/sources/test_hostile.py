"""Two hundred malformed files, grown from a fixed seed: each ends in a refusal or in counted rejects.

Never another exception, a hang, a half-written output or a row unaccounted; and of a file whose sound rows are known,
those come out unharmed, or the file is refused.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import polars as pl
import pyarrow as pa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages import collect
from stages.files import read_json
from stages.refusal import Refusal
from stages.schema import RAW, read
from stages.sources import lines, packed, quoted
from stages.sources.batch import REJECTS

ROOT = Path(__file__).parents[2]
OWN = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
FORMATS = ("csv", "tskv", "jsonl", "parquet")
SEEN = Counter()  # how the files ended, by kind of harm


# --- sound files -----------------------------------------------------------------------------------------------------

sound_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=40)
sound_rows = st.lists(st.tuples(sound_text, st.integers(1, 10).map(str)), min_size=1, max_size=12)


def encoded(rows: list[tuple[str, str]], kind: str) -> bytes:
    """Rows (text, rating) as a sound file with the columns t and r."""
    table = pl.DataFrame(rows, schema={"t": pl.String, "r": pl.String}, orient="row")
    out = io.BytesIO()
    match kind:
        case "csv":
            table.write_csv(out, quote_style="always")
        case "jsonl":
            table.write_ndjson(out)
        case "parquet":
            table.write_parquet(out)
        case "tskv":
            signs = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})
            out.write("".join(f"t={text.translate(signs)}\tr={rating}\n" for text, rating in rows).encode())
    return out.getvalue()


# --- harm: each takes a sound file and gives a broken one (bytes, name) ----------------------------------------------


def inserted(draw, data: bytes, piece: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + piece + data[at:]


def truncated_pack(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    pack, ending = draw(st.sampled_from([(gzip.compress, "gz"), (lzma.compress, "xz"), (zst, "zst")]))
    whole = pack(data)
    return whole[: draw(st.integers(1, len(whole) - 1))], f"x.{kind}.{ending}"


def flipped_pack(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    pack, ending = draw(st.sampled_from([(gzip.compress, "gz"), (lzma.compress, "xz"), (zst, "zst")]))
    whole = bytearray(pack(data))
    whole[draw(st.integers(0, len(whole) - 1))] ^= draw(st.integers(1, 255))
    return bytes(whole), f"x.{kind}.{ending}"


def zst(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)


def wrong_encoding(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    codec = draw(st.sampled_from(["utf-16", "utf-16-be", "utf-32", "cp1251", "koi8-r", "shift_jis", "utf-7"]))
    return data.decode("utf-8", "replace").encode(codec, "replace"), f"x.{kind}"


def stray_bytes(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    pieces = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\0\0\0\0", b"\r", b"\x1a", b"\n", b"\t"]
    for _ in range(draw(st.integers(1, 5))):
        data = inserted(draw, data, draw(st.sampled_from(pieces)))
    return data, f"x.{kind}"


def open_quote(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    for _ in range(draw(st.integers(1, 5))):
        data = inserted(
            draw, data, draw(st.sampled_from([b'"', b'"a","b', b'\n"never closed,1\n', b'""', b"{", b"[["]))
        )
    return data, f"x.{kind}"


def long_line(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    return inserted(draw, data, draw(st.sampled_from([b"x", b'"', b"[", b"=", b"\xd0", b","])) * 5000), f"x.{kind}"


def repeated_header(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    if kind == "parquet":  # a table with two columns of one name
        out = io.BytesIO()
        pa.parquet.write_table(pa.table([pa.array(["a"])] * 3, names=["t", "t", "r"]), out)
        return out.getvalue(), "x.parquet"
    again = {
        "csv": [b"t,r,t\n", b"t,r\nt,r\n", b"t,r\n"],
        "tskv": [b"t=a\tt=b\tr=1\n"],
        "jsonl": [b'{"t": 1, "t": 2}\n'],
    }
    return draw(st.sampled_from(again[kind])) + data, f"x.{kind}"


def mixed_types(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=4,
    )
    rows = draw(st.lists(st.fixed_dictionaries({"t": values, "r": values}) | values, min_size=1, max_size=10))
    return "\n".join(json.dumps(row) for row in rows).encode(), f"x.{kind}"


def missing_columns(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    return encoded([("a", "1")], kind).replace(b"r", b"q"), f"x.{kind}"


def torn(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    return data[: draw(st.integers(0, len(data)))], f"x.{kind}"


def flipped(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    """A byte of the last forty changed: in parquet that is the footer."""
    broken = bytearray(data)
    broken[max(0, len(data) - draw(st.integers(1, 40)))] ^= draw(st.integers(1, 255))
    return bytes(broken), f"x.{kind}"


def bomb(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    pack, ending = draw(st.sampled_from([(gzip.compress, "gz"), (lzma.compress, "xz"), (zst, "zst")]))
    return pack(data + draw(st.sampled_from([b"\0", b"a", b"\n", b"t=a\n", b'"'])) * 2**18), f"x.{kind}.{ending}"


def other_kind(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    heads = [b"", b"PK\x03\x04", b"<html>", b"%PDF-1.7\n", b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PAR1"]
    return draw(st.sampled_from([*heads, bz2.compress(data)])) + draw(st.binary(max_size=200)), f"x.{kind}"


def climbing(draw, data: bytes, kind: str) -> tuple[bytes, str]:
    return data, draw(
        st.sampled_from(["*/../../x", "in/*", "in/../*/../../*", "in/[l]ink", "**/../x", "file://*/../x"])
    )


HARMS = (
    truncated_pack, flipped_pack, wrong_encoding, stray_bytes, open_quote, long_line, repeated_header, mixed_types,
    missing_columns, torn, flipped, bomb, other_kind, climbing,
)  # fmt: skip


@st.composite
def broken_files(draw, harm) -> tuple[str, str, bytes, str]:
    """(harm, format, bytes, name) of one malformed file."""
    kind = draw(st.sampled_from(FORMATS))
    return harm.__name__, kind, *harm(draw, encoded(draw(sound_rows), kind), kind)


# --- what must hold --------------------------------------------------------------------------------------------------


@contextmanager
def project(kind: str, data: bytes, name: str, share: float):
    """A current folder with the file and the settings to collect it."""
    before = Path.cwd()
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    try:
        Path("project/in").mkdir(parents=True)
        Path("x").write_bytes(b"t,r\nsecret,1\n")
        os.chdir("project")
        if "*" in name or "[" in name:
            Path("in/link").symlink_to("../../x")
        else:
            Path(name).write_bytes(data)
        wanted = {"kind": "file", "path": name, "format": kind, "columns": {"text": "t", "rating": "r"}}
        sources = {"films": OWN["sources"]["films"] | {"collect": wanted | {"bad_share": share}}}
        own = OWN | {"sources": OWN["sources"] | sources}
        Path("params.yaml").write_text(yaml.dump(own, Dumper=yaml.CSafeDumper), encoding="utf-8")
        yield
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def ends_well(harm: str, kind: str, data: bytes, name: str, share: float) -> None:
    out = ("out/raw.parquet", "out/bad.parquet", "out/report.json")
    with project(kind, data, name, share):
        try:
            collect.main("films", *out)
        except Refusal as refusal:
            SEEN[harm, "refused"] += 1
            assert str(refusal).encode()  # can be printed
            assert not list(Path("out").glob("*")) if Path("out").exists() else True
            return
        SEEN[harm, "collected"] += 1
        assert harm not in ("truncated_pack", "climbing", "missing_columns", "bomb")
        rows, bad, account = read(out[0], RAW), pl.read_parquet(out[1]), read_json(out[2])
        assert bad.schema == REJECTS and bad.null_count().sum_horizontal()[0] == 0
        assert dict(bad["reason"].value_counts().iter_rows()) == account["rejected"]
        assert account["rows_in"] == rows.height + bad.height and account["rows_out"] == rows.height > 0
        assert bad.height <= share * account["rows_in"]
        assert sorted(path.name for path in Path("out").iterdir()) == ["bad.parquet", "raw.parquet", "report.json"]


@settings(
    max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)  # fmt: skip
@given(data=st.data(), share=st.sampled_from([0.01, 0.5, 1.0]))
def malformed(harm, data: st.DataObject, share: float) -> None:
    ends_well(*data.draw(broken_files(harm)), share)


def test_two_hundred_malformed_files_end_in_a_refusal_or_in_counted_rejects():
    SEEN.clear()
    with (
        mock.patch.object(lines, "LINE", 3000),
        mock.patch.object(lines, "BLOCK", 2000),
        mock.patch.object(quoted, "ROWS", 100),
        mock.patch.object(packed, "FREE", 2**17),
    ):
        for harm in HARMS:  # each by itself: what Hypothesis draws follows from the modules that are loaded, too
            malformed(harm)
    assert sum(SEEN.values()) >= 200
    assert {harm for harm, _ in SEEN} == {harm.__name__ for harm in HARMS}
    assert {end for _, end in SEEN} == {"refused", "collected"}
