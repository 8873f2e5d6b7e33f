"""manifest.json on real DVC projects: what it holds, and which altered bytes it notices that DVC does not."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flows import digests, manifest, past, record

ROOT = Path(__file__).parents[2]
STAGES = {
    "collect": {"cmd": "cp world raw.parquet", "deps": ["world"], "outs": ["raw.parquet"]},
    "clean": {"cmd": "cp raw.parquet clean.parquet", "deps": ["raw.parquet", "code"], "outs": ["clean.parquet"]},
    "train": {
        "cmd": "cp -r weights model; date +%N > seconds.json", "deps": ["clean.parquet", "weights"],
        "outs": ["model", {"seconds.json": {"cache": False, "labels": ["measured"]}}],
    },
    "predict": {"cmd": "cp model/a.bin answers", "deps": ["model"], "outs": ["answers"]},
}  # fmt: skip
# Two blocks of 128 bytes with one MD5 (X. Wang et al., 2004, "Collisions for hash functions MD4, MD5, ...").
TWINS = tuple(
    bytes.fromhex(
        "d131dd02c5e6eec4693d9a0698aff95c2fcab5" + a + "12467eab4004583eb8fb7f89"
        "55ad340609f4b30283e4888325" + b + "415a085125e8f7cdc99fd91dbd" + c + "80373c5b"
        "d8823e3156348f5bae6dacd436c919c6dd53e2" + d + "87da03fd02396306d248cda0"
        "e99f33420f577ee8ce54b67080" + e + "0d1ec69821bcb6a8839396f965" + f + "6ff72a70"
    )
    for a, b, c, d, e, f in (
        ("87", "71", "f2", "b4", "a8", "2b"),
        ("07", "f1", "72", "34", "28", "ab"),
    )
)


def sha(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def made(project) -> Path:
    """A project that has run once, with its manifest."""
    root = project(STAGES, code="v1")
    pl.DataFrame({"text": ["да", "нет", "да"]}).write_parquet("world")
    Path("weights").mkdir()
    Path("weights/a.bin").write_bytes(TWINS[0])
    Path("weights/b.bin").write_bytes(b"other weights")
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], check=True)
    assert manifest.update() == []
    return root


def flow(server: dict, *words: str) -> subprocess.CompletedProcess:
    given = {"DVC_SITE_CACHE_DIR": os.environ["DVC_SITE_CACHE_DIR"]}
    return subprocess.run([sys.executable, "-m", "flows.pipeline", *words], env=server | given, capture_output=True,
                          text=True, timeout=600)  # fmt: skip


def test_each_output_has_its_sha256_rows_size_and_inputs_on_a_line_of_its_own(made):
    entries = manifest.read()
    assert list(entries) == ["answers", "clean.parquet", "model", "raw.parquet", "seconds.json"]
    assert len(manifest.FILE.read_text().splitlines()) == len(entries) + 2
    model, clean = entries["model"], entries["clean.parquet"]
    assert (clean["sha256"], clean["rows"], clean["size"]) == (
        sha("clean.parquet"),
        3,
        Path("clean.parquet").stat().st_size,
    )
    assert model["files"] == {"a.bin": sha("model/a.bin"), "b.bin": sha("model/b.bin")}
    assert model["inputs"] == {"clean.parquet": clean["sha256"]} and "rows" not in model
    assert clean["inputs"] == {"raw.parquet": sha("world")} and entries["raw.parquet"]["inputs"] == {}
    assert entries["answers"]["inputs"] == {"model": model["sha256"]} and entries["answers"]["stage"] == "predict"
    assert [path for path, one in entries.items() if one.get("measured")] == ["seconds.json"]


def test_a_folder_has_the_md5_that_dvc_gives_it(made):
    assert digests.of(Path("model")).md5 == past.here().outs["model"][1]["md5"]


def test_only_what_ran_is_hashed_anew(made, monkeypatch):
    before, text = manifest.read(), manifest.FILE.read_text()
    read = []
    monkeypatch.setattr(digests, "_read", lambda path, real=digests._read: read.append(str(path)) or real(path))
    assert manifest.update() == [] and manifest.FILE.read_text() == text and read == []
    Path("weights/b.bin").write_bytes(b"better")
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q", "train"], check=True)
    assert manifest.disagreements() and any(line.startswith("model of train: md5") for line in manifest.disagreements())
    manifest.update()
    assert {path for path in read if not path.startswith("weights")} == {"model/a.bin", "model/b.bin", "seconds.json"}
    after = manifest.read()
    assert {path for path in after if after[path] != before[path]} == {"model", "seconds.json"}
    assert manifest.disagreements() == []


def test_what_is_not_in_the_workspace_is_read_in_the_cache_and_what_is_nowhere_is_named(made):
    text = manifest.FILE.read_text()
    manifest.FILE.unlink()
    for path in ("model/a.bin", "model/b.bin", "raw.parquet"):
        Path(path).unlink()
    Path("model").rmdir()
    assert manifest.update() == [] and manifest.FILE.read_text() == text
    manifest.FILE.unlink()
    kept = of_cache("model")["a.bin"]
    kept.chmod(0o644)
    kept.unlink()
    assert manifest.update() == ["model"]
    assert any(line == "model of train: not in manifest.json" for line in manifest.disagreements())


def of_cache(path: str) -> dict[str, Path]:
    from dvc.repo import Repo

    with Repo() as repo:
        return record.cached(repo, past.here().outs[path][1]["md5"])


def flip(path: Path) -> None:
    """Another last bit, written in place as a failing disk does."""
    path.chmod(0o644)
    told = path.read_bytes()
    path.write_bytes(told[:-1] + bytes([told[-1] ^ 1]))


def test_a_flipped_bit_in_the_cache_is_named(made, capsys):
    flip(of_cache("model")["b.bin"])
    with pytest.raises(SystemExit) as ended:
        manifest.main(["--verify"])
    assert "model (b.bin) of train, in DVC's cache (" in str(ended.value) and "expected" in str(ended.value)
    assert "clean.parquet" not in str(ended.value)


def test_an_md5_twin_is_named_where_dvc_sees_nothing(made):
    assert hashlib.md5(TWINS[0]).digest() == hashlib.md5(TWINS[1]).digest() and TWINS[0] != TWINS[1]
    Path("model/a.bin").write_bytes(TWINS[1])
    status = subprocess.run([sys.executable, "-m", "dvc", "status"], capture_output=True, text=True, check=True)
    assert "up to date" in status.stdout
    (line,) = manifest.altered(manifest.read())
    assert line.startswith("model (a.bin) of train: sha256 ") and "takes them for the same" in line


def test_the_flow_refuses_a_twin_before_the_node_that_reads_it_and_writes_the_manifest_when_all_is_well(made, server):
    (made / "dvc.yaml").write_text(
        json.dumps({"stages": STAGES | {"predict": STAGES["predict"] | {"deps": ["model", "code"]}}})
    )
    Path("model/a.bin").write_bytes(TWINS[1])
    answers = sha("answers")
    done = flow(server)
    assert done.returncode == 1 and "an input is not what its node made" in done.stdout + done.stderr
    assert "model (a.bin) of train" in done.stdout + done.stderr and sha("answers") == answers
    Path("model/a.bin").write_bytes(TWINS[0])
    assert manifest.disagreements() == []  # predict did not run
    done = flow(server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert manifest.disagreements() == [] and manifest.read()["answers"]["sha256"] == answers


def test_a_project_without_a_manifest_gets_none_from_the_flow(project, server):
    root = project({"a": {"cmd": "cp seed a.txt", "deps": ["seed"], "outs": ["a.txt"]}}, seed="1")
    assert flow(server).returncode == 0 and not (root / "manifest.json").exists()
    assert manifest.disagreements() == ["no manifest.json: `python -m flows.manifest` writes it"]


def test_the_real_graph_labels_every_output_with_seconds_as_measured():
    told = past.Measured([(ROOT / "dvc.yaml").read_text()])
    for path in (ROOT / "data/reports").rglob("*.json"):
        holds = any(word in path.read_text("utf-8") for word in ('_seconds"', '"seconds"', "peak_mib", "latency"))
        if holds:
            assert str(path.relative_to(ROOT)) in told, path
    assert "data/reports/train/a.json" not in told and "data/models/a" not in told


def test_of_what_the_real_evaluate_reports_one_file_repeats(monkeypatch):
    monkeypatch.chdir(ROOT)  # flows.retrain takes it for the champion's figures
    told = {name: node.settled for name, node in record.nodes().items() if name.startswith("evaluate@")}
    assert told == {name: (f"data/reports/evaluate/{name.partition('@')[2]}.json",) for name in told} != {}
