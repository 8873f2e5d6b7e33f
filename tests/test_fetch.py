"""The three kinds of pretrained bases, each from something tiny: a folder, a package, a Hub on loopback."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hub.server import TOKEN, Hub

from stages import fetch as stage
from stages.refusal import Refusal

ROOT = Path(__file__).parents[1]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = b"\x02\0\0\0\0\0\0\0{}"
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
MODEL = {"config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"{}", "vocab.txt": b"a\n"}
UNWANTED = {
    "pytorch_model.bin": b"pickle",
    "modeling.py": b"raise SystemExit",
    "README.md": b"#",
    "onnx/config.json": b"{}",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write params.yaml with one pretrained base in it, and go there."""
    monkeypatch.chdir(tmp_path)

    def write(**base) -> Path:
        settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        settings["pretrained"]["tiny"] = base
        Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        return tmp_path

    return write


def lay(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def refused(*words: str) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        stage.main(*words)
    assert not Path("out").exists() or list(Path("out").iterdir()) == []
    return refusal.value


def fetched() -> dict[str, bytes]:
    assert [path.name for path in Path("out").iterdir()] == ["tiny"], "nothing lies beside it"
    return {path.name: path.read_bytes() for path in Path("out/tiny").iterdir()}


# --- folder ----------------------------------------------------------------------------------------------------------


def test_a_folder_is_copied_without_what_could_run(project, capsys):
    lay(project(kind="folder", path="saved") / "saved", MODEL | UNWANTED)
    stage.main("tiny", "out/tiny")
    assert fetched() == MODEL
    assert capsys.readouterr().out == "fetch tiny: 4 files from folder\n"


def test_a_second_fetch_leaves_nothing_of_the_first(project):
    lay(project(kind="folder", path="saved") / "saved", MODEL)
    lay(Path("out/tiny"), {"adapter.safetensors": b"old"})
    stage.main("tiny", "out/tiny")
    assert fetched() == MODEL


@pytest.mark.parametrize("needed", ["config.json", "model.safetensors"])
def test_a_folder_that_is_no_model_is_refused(project, needed):
    lay(project(kind="folder", path="saved") / "saved", MODEL | UNWANTED)
    Path("saved", needed).unlink()
    refusal = refused("tiny", "out/tiny")
    assert refusal.found == f"no {needed}"
    assert (refusal.where, refusal.do) == ("saved", "see params.yaml: pretrained.tiny")


def test_no_folder_is_refused(project):
    project(kind="folder", path="nowhere")
    refusal = refused("tiny", "out/tiny")
    assert (refusal.found, refusal.where) == ("nowhere is none", "params.yaml: pretrained.tiny.path")


def test_an_unknown_name_is_refused(project):
    project(kind="folder", path="saved")
    assert refused("tinny", "out/tiny").do == "did you mean tiny?"


# --- package ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(project, monkeypatch):
    """An importable package `carrier` with a model inside; importing it would be an error."""

    def make(**base) -> Path:
        folder = project(**{"kind": "package", "package": "carrier", "sha256": SHA256} | base)
        lay(folder / "site/carrier", {"__init__.py": b"raise SystemExit('imported')"})
        lay(folder / "site/carrier/files/model", MODEL | UNWANTED)
        monkeypatch.syspath_prepend(str(folder / "site"))
        return folder / "site/carrier/files/model"

    return make


def test_a_package_gives_its_model_without_being_imported(package):
    package()
    stage.main("tiny", "out/tiny")
    assert fetched() == MODEL


def test_other_weights_than_those_pinned_are_refused(package):
    folder = package(sha256="0" * 64)
    refusal = refused("tiny", "out/tiny")
    assert refusal.expected == f"weights with sha256 {'0' * 64}"
    assert (refusal.found, refusal.where) == (SHA256, str(folder / "model.safetensors"))


@pytest.mark.parametrize("name", ["no_such_package_here", "no_such_package_here.model", ""])
def test_a_package_that_is_not_installed_is_refused(project, name):
    project(kind="package", package=name, sha256=SHA256)
    refusal = refused("tiny", "out/tiny")
    assert (refusal.found, refusal.where) == (f"{name} is not", "params.yaml: pretrained.tiny.package")


def test_a_package_without_weights_is_refused(package):
    (package() / "model.safetensors").unlink()
    assert refused("tiny", "out/tiny").found == "none inside"


# --- hub: huggingface_hub reads its settings when it is imported, so each fetch is a process of its own ---------------


@pytest.fixture
def hub():
    hub = Hub()
    hub.create("owner/tiny", files=MODEL | UNWANTED)
    yield hub
    hub.close()


def nobody() -> str:
    """An address on loopback where nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def command(folder: Path, url: str, **env: str) -> subprocess.CompletedProcess:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "PYTHONPATH": str(ROOT),
        "HF_ENDPOINT": url,
        "HF_HOME": str(folder / "home"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
    } | env  # fmt: skip
    line = [sys.executable, "-m", "stages.fetch", "tiny", "out/tiny"]
    return subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def test_a_repository_is_fetched_at_its_commit_and_again_from_the_cache(project, hub):
    repo = hub.repo("owner/tiny")
    commit = repo.resolve("main")
    repo.commit({"config.json": b"later"})
    folder = project(kind="hub", repo="owner/tiny", revision=commit)
    done = command(folder, hub.url)
    assert (done.returncode, done.stdout) == (0, "fetch tiny: 4 files from hub\n"), done.stderr
    assert fetched() == MODEL
    loaded = {path.rpartition(f"/resolve/{commit}/")[2] for path in hub.requests if "/resolve/" in path}
    assert loaded == set(MODEL), "what could run, and other formats, do not even travel"
    assert not hub.strays, "the token goes to no other origin"

    (folder / "out/tiny/vocab.txt").unlink()
    for again in (command(folder, nobody()), command(folder, nobody(), HF_HUB_OFFLINE="1")):
        assert again.returncode == 0, again.stderr
        assert fetched() == MODEL


@pytest.mark.parametrize(
    ("repo", "env", "found"),
    [
        ("owner/other", {}, "404"),
        ("owner/tiny", {}, "404"),  # there, but not at this commit
        ("owner/tiny", {"HF_TOKEN": "hf_wrong"}, "401"),
    ],
)
def test_what_the_hub_does_not_give_is_refused(project, hub, repo, env, found):
    done = command(project(kind="hub", repo=repo, revision=COMMIT), hub.url, **env)
    assert done.returncode == 1
    assert f"expected {repo} at 0123456789ab from the Hub or the local cache" in done.stderr
    assert found in done.stderr
    assert "where params.yaml: pretrained.tiny" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hf_wrong" not in done.stderr


@pytest.mark.parametrize(
    ("env", "found"), [({}, "Connection refused"), ({"HF_HUB_OFFLINE": "1"}, "offline mode is enabled")]
)
def test_a_base_that_cannot_be_reached_is_refused_soon(project, env, found):
    folder = project(kind="hub", repo="owner/tiny", revision=COMMIT)
    start = time.monotonic()
    done = command(folder, nobody(), **env)
    assert time.monotonic() - start < 12, "no round of retries: those take 24 s"
    assert done.returncode == 1
    assert "expected owner/tiny at 0123456789ab from the Hub or the local cache" in done.stderr
    assert "found not in the cache, and: " in done.stderr
    assert found in done.stderr
    assert "kind: folder with a copy you have" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "out").exists()
