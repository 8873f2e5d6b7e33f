"""The real client against a Hub on the loopback: one commit, one tag, and every reason to send nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hub.server import TOKEN, Hub
from released import FULL, LORA, ROOT, WHOLE, write_project

from stages import publish, push
from stages.refusal import Refusal

FILES = {*WHOLE, "README.md", "LICENSE", "provenance.json"}


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


def git(*words: str) -> str:
    who = ["-c", "user.name=mill", "-c", "user.email=mill@example.org"]
    return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A committed project whose two recipes are published, in an ignored folder as data/ is."""
    monkeypatch.chdir(write_project(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    publish.main(FULL, "places.parquet", "base", "whole", "reports", "published/full")
    publish.main(LORA, "films.parquet", "base", "part", "reports", "published/lora")
    Path(".gitignore").write_text("published/\n")
    Path("dvc.lock").write_text("schema: '2.0'\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "all")
    return tmp_path


def send(hub: Hub, name: str = FULL, folder: str = "published/full", code: str | None = None, **changes: str):
    """Run push (or other code) as a process of its own, for the client reads its endpoint when it is imported."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    env |= {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(Path.cwd().parent / "hf"),
        "NO_PROXY": "127.0.0.1",
    }
    env |= {"PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONDONTWRITEBYTECODE": "1"} | changes
    words = ["-c", code] if code else ["-m", "stages.push", name, folder]
    return subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, timeout=60)


def test_one_private_commit_and_one_tag_then_nothing_more(project, hub):
    done = send(hub)
    assert done.returncode == 0, done.stderr
    head = git("rev-parse", "HEAD")
    repo = hub.repos["mill/places"]
    assert repo["private"] is True
    assert [message for _, message, _ in repo["commits"]] == ["initial commit", f"Publish git-{head[:12]}"]
    oid, files = hub.files("mill/places")
    assert repo["tags"] == {f"git-{head[:12]}": oid}
    assert set(files) == {*FILES, ".gitattributes"}
    assert files["model.safetensors"] == b"weights of model.safetensors"
    origin = json.loads(files["provenance.json"])
    assert (origin["git_commit"], origin["git_dirty"]) == (head, False) and origin["dvc_lock_sha256"]
    assert TOKEN not in done.stdout + done.stderr
    assert done.stdout == f"push {FULL}: 8 files → mill/places at {oid[:12]}, tag git-{head[:12]}\n"

    again = send(hub)
    assert again.returncode == 0 and "nothing sent" in again.stdout
    assert len(hub.repos["mill/places"]["commits"]) == 2


def test_what_was_pushed_comes_back_by_its_tag(project, hub):
    assert send(hub).returncode == 0
    tag = f"git-{git('rev-parse', 'HEAD')[:12]}"
    fetch = f"from huggingface_hub import snapshot_download as s; print(s('mill/places', revision='{tag}'))"
    done = send(hub, code=fetch, HF_HUB_DISABLE_XET="1")
    assert done.returncode == 0, done.stderr
    for path in Path("published/full").iterdir():
        if path.name != "provenance.json":
            assert Path(done.stdout.strip(), path.name).read_bytes() == path.read_bytes()


def test_a_later_release_takes_the_earlier_ones_parts_away_and_nothing_else(project, hub):
    hub.create("mill/places", files={"adapter_config.json": b"{}", "picture.png": b"mine"})
    assert send(hub).returncode == 0
    assert set(hub.files("mill/places")[1]) == {*FILES, ".gitattributes", "picture.png"}


def test_a_lost_tag_is_set_without_a_second_commit(project, hub):
    assert send(hub).returncode == 0
    hub.repos["mill/places"]["tags"].clear()
    assert send(hub).returncode == 0
    assert len(hub.repos["mill/places"]["commits"]) == 2 and len(hub.repos["mill/places"]["tags"]) == 1


def test_a_wrong_token_is_told_before_anything_is_made(project, hub):
    done = send(hub, HF_TOKEN="hf_wrong")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "a token that the Hub accepts" in done.stderr and "hf_wrong" not in done.stderr
    assert not hub.repos and not [request for request in hub.requests if not request.startswith("GET ")]


def test_a_public_repository_gets_no_private_release(project, hub):
    hub.create("mill/films", private=False)
    done = send(hub, LORA, "published/lora")
    assert done.returncode == 1 and "a private repository" in done.stderr
    assert len(hub.repos["mill/films"]["commits"]) == 1


def test_a_commit_in_between_is_not_overwritten(project, hub):
    hub.before_commit = lambda repo: hub.commit(repo, "somebody else", {})
    done = send(hub)
    assert done.returncode == 1 and "somebody else committed to it" in done.stderr and "Traceback" not in done.stderr
    assert not hub.repos["mill/places"]["tags"]


def test_a_server_out_of_reach_is_a_refusal(project, hub):
    hub.close()
    done = send(hub)
    assert done.returncode == 1 and "the Hub within reach" in done.stderr and "Traceback" not in done.stderr


def refused(name: str = FULL, folder: str = "published/full") -> Refusal:
    with pytest.raises(Refusal) as caught:
        push.main(name, folder)
    return caught.value


def test_without_a_token_nothing_is_tried(project, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert refused().where == "environment: HF_TOKEN"


def test_without_a_commit_nothing_is_tried(project):
    for path in sorted(Path(".git").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert refused().expected == "a git repository with a commit"
    git("init", "-q")
    assert refused().expected == "a git repository with a commit"


def test_a_dirty_tree_is_refused(project):
    Path("base/config.json").write_text('{"changed": true}')
    assert refused().expected == "a clean working tree"


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def test_a_folder_from_other_settings_is_refused(project, token):
    raw = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    raw["recipes"][FULL]["method"]["epochs"] = 7
    Path("params.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    git("commit", "-qam", "seven epochs")
    assert "published from other settings" in refused().found


@pytest.mark.parametrize("stray", [".env", "training_args.bin", "adapter_model.safetensors"])
def test_a_stray_file_is_never_sent(project, token, stray):
    Path("published/full", stray).write_text("hf_secret")
    assert stray in refused().found


def test_a_folder_without_its_card_is_refused(project, token):
    Path("published/full/README.md").unlink()
    assert refused().found == "no README.md"
