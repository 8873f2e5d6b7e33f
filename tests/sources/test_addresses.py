"""One file, many, a glob; packed or plain; here or elsewhere → the same rows, or one refusal."""

import gzip
import hashlib
import lzma
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import polars as pl
import pyarrow as pa
import pytest

from stages.params import FileSource
from stages.refusal import Refusal
from stages.sources import addresses, file, packed

COLUMNS = {"text": "t", "rating": "r"}
PACK = {"gz": gzip.compress, "xz": lzma.compress, "zst": lambda data: pa.compress(data, "zstd", asbytes=True)}


def settings(path: str | list[str], kind: str = "csv", **more) -> FileSource:
    return FileSource(kind="file", path=path, format=kind, columns=COLUMNS, **more)


def texts(path: str | list[str], kind: str = "csv", **more) -> list[str]:
    return [text for batch in file.read(settings(path, kind, **more), "x") for text in batch.rows["text"]]


def refused(path: str | list[str], kind: str = "csv", **more) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        texts(path, kind, **more)
    return refusal.value


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A current folder with in/b.csv, in/a.csv (written in this order) and in/.c.csv, hidden."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("b", "a", ".c"):
        Path(f"in/{name}.csv").write_text(f"t,r\n{name}1,1\n{name}2,2\n", encoding="utf-8")
    return tmp_path


# --- packed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("named", [True, False])
def test_a_packed_file_is_known_by_its_head_or_by_its_name(tmp_path, pack, kind, named):
    plain, path = tmp_path / "plain", tmp_path / (f"x.{kind}.{pack}" if named else f"x.{kind}")
    table = pl.DataFrame({"t": [f"t{n}" for n in range(5000)], "r": range(5000)})
    table.write_csv(plain) if kind == "csv" else table.write_parquet(plain)
    path.write_bytes(PACK[pack](plain.read_bytes()))
    assert texts(str(path), kind) == table["t"].to_list()


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "tskv", "parquet"])
@pytest.mark.parametrize("keep", [5, 0.5, -3])
def test_a_truncated_packed_file_is_refused(tmp_path, pack, kind, keep):
    data = PACK[pack](b"".join(hashlib.sha256(bytes([n])).hexdigest().encode() + b"\n" for n in range(200)))
    path = tmp_path / f"x.{kind}.{pack}"
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    refusal = refused(str(path), kind)
    assert refusal.where.startswith(str(path)) and refusal.expected.startswith(f"a readable {kind}")


@pytest.mark.parametrize("pack", PACK)
def test_what_swells_beyond_the_ratio_is_refused_before_it_fills_the_disk(tmp_path, pack, monkeypatch):
    monkeypatch.setattr(packed, "FREE", 2**20)
    path = tmp_path / f"x.csv.{pack}"
    path.write_bytes(PACK[pack](b"t,r\n" + b"a,1\n" * 2**20))
    assert refused(str(path)).expected == "a file that unpacks to at most 200 times its size"
    path.write_bytes(PACK[pack](b"t,r\n" + b"a,1\n" * 2**17))
    assert len(texts(str(path))) == 2**17, "a few bytes may be as dull as they like"


# --- many ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["in/*.csv", ["in/a.csv", "in/b.csv"], "**/[ab].csv", "file://in/?.csv", "in/../in/*.csv"]
)
def test_files_come_in_order_and_row_numbers_run_on(here, path):
    assert texts(path) == ["a1", "a2", "b1", "b2"]
    ids = [one for batch in file.read(settings(path), "x") for one in batch.rows["id"]]
    assert ids == ["0", "1", "2", "3"]


def test_a_list_keeps_its_order_and_names_each_file_once(here):
    assert texts(["in/b.csv", "in/a.csv"]) == ["b1", "b2", "a1", "a2"]
    assert refused(["in/*.csv", "in/a.csv"]).found == "in/a.csv twice"


def test_each_file_must_have_the_columns(here):
    Path("in/b.csv").write_text("t,x\nb1,1\n")
    refusal = refused("in/*.csv")
    assert (refusal.expected, refusal.found) == ("a column r", "t, x")


def test_a_glob_that_matches_nothing_or_climbs_is_refused(here):
    assert refused("in/*.tsv").where == "x.path: in/*.tsv"
    assert refused("in/*/../../b.csv").expected == "a glob that does not climb"
    Path("out.csv").write_text("t,r\nsecret,1\n")
    Path("in/d.csv").symlink_to(here / "out.csv")
    refusal = refused("in/*.csv")
    assert "in/d.csv, a link that leads out of it" in refusal.found
    assert texts(["in/d.csv"]) == ["secret"], "named by itself, it is meant"


def test_several_files_are_held_to_a_mapping_of_sums(here):
    sums = {name: sha(Path(name).read_bytes()) for name in ("in/a.csv", "in/b.csv")}
    assert len(texts("in/*.csv", sha256=sums)) == 4
    assert refused("in/*.csv", sha256=sums["in/a.csv"]).found == "one for 2 files"
    assert refused("in/*.csv", sha256={"in/a.csv": sums["in/a.csv"]}).found == "in/b.csv is without"
    assert refused("in/a.csv", sha256=sums).found == "in/b.csv is not found"
    assert refused("in/*.csv", sha256=sums | {"in/b.csv": "0" * 64}).where.startswith("in/b.csv; x.sha256")


# --- elsewhere -------------------------------------------------------------------------------------------------------


@pytest.fixture
def web(here):
    """The current folder, served on the loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(here)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_file_from_the_web_is_read_when_its_sum_is_right(web):
    good = sha(Path("in/a.csv").read_bytes())
    assert texts(f"{web}/in/a.csv", sha256=good) == ["a1", "a2"]
    Path("in/a.csv").write_text("t,r\nother,1\n")
    assert refused(f"{web}/in/a.csv", sha256=good).expected == f"sha256 {good}"
    assert "FileNotFoundError" in refused(f"{web}/in/none.csv", sha256=good).found
    unpinned = refused(f"{web}/in/a.csv")
    assert "anyone on the way" in unpinned.found and unpinned.where == "x.sha256"


def test_parquet_packed_and_globbed_from_another_file_system(here):
    memory = fsspec.filesystem("memory")
    for name in ("b", "a"):
        pl.DataFrame({"t": [name], "r": [1]}).write_parquet(f"{name}.parquet")
        memory.pipe(f"/mill/{name}.parquet.zst", PACK["zst"](Path(f"{name}.parquet").read_bytes()))
    try:
        assert texts("memory://mill/*.zst", "parquet") == ["a", "b"]
        assert refused("memory://mill/*.gz", "parquet").found == "none"
        assert refused("memory://mill/../a*", "parquet").expected.endswith("without `..`")
    finally:
        memory.rm("/mill", recursive=True)


def test_what_is_missing_for_an_address_is_named(here, monkeypatch):
    def without(name: str):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "filesystem", without)
    refusal = refused("s3://bucket/x.csv")
    assert (refusal.expected, refusal.do) == ("the package s3fs, which s3:// needs", "pip install s3fs")


@pytest.mark.parametrize("path", ["ftp://host/x.csv", "zip://*.csv::in/a.zip", "simplecache::https://host/x.csv"])
def test_other_kinds_of_address_are_refused(here, path):
    assert refused(path).expected.startswith("a local path, or one of file://, https://")


def test_a_login_in_an_address_is_refused_without_repeating_it(here):
    refusal = refused("https://ann:hunter2@host/x.csv")
    assert "without a login" in refusal.expected and "hunter2" not in str(refusal)


def test_a_copy_does_not_outlive_its_reading(here, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(here))
    memory = fsspec.filesystem("memory")
    memory.pipe("/one.csv", b"t,r\na,1\n")
    assert texts("memory://one.csv") == ["a"]
    memory.rm("/one.csv")
    assert not list(here.glob("reviewmill-*"))
    assert addresses.find(settings("memory://one.csv"), "x") == ["memory://one.csv"]
