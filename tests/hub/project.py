"""A committed project with two published folders, and the processes that send them to a Hub on the loopback."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import yaml
from hub.server import TOKEN, Hub
from released import FULL, LORA, ROOT, write_project

from stages import release, sending
from stages.files import read_json, write_json

ROWS = "places"  # the source whose rows are given to others

FOLDER = {FULL: "published/full", LORA: "published/lora", ROWS: "published/rows"}
PROBE = "probe.json"
BASE = {"repo": "mill/minilm", "revision": "git-0123456789ab"}  # the adapter's


def git(*words: str) -> str:
    who = ["-c", "user.name=mill", "-c", "user.email=mill@example.org"]
    return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()


def lay_out(folder: Path) -> Path:
    """A committed project in `folder`, which is the working directory: two recipes and a dataset are published."""
    shutil.copytree(laid_out(), folder, dirs_exist_ok=True)
    return folder


@functools.cache
def laid_out() -> Path:
    """The same, made once for all tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="project-"))
    with contextlib.chdir(folder):
        _published(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _published(folder: Path) -> None:
    from stages import publish, share

    write_project(folder)
    settings = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    settings["publish"][LORA]["base_at"] = BASE
    Path("params.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    for name, table, base, model in ((FULL, "places", "base", "whole"), (LORA, "films", "base", "part")):
        publish.main(name, f"{table}.parquet", base, model, "reports", FOLDER[name])
    share.main("places", "places.parquet", "reports/data/places.json", "reports/clean/places.json", FOLDER[ROWS])
    probed()
    Path(".gitignore").write_text("published/\nreceipts/\nprobe.json\n")
    Path("dvc.lock").write_text("schema: '2.0'\n")
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "all")


def probed() -> None:
    """The report of a probe that found nothing, of the generator as it lies there."""
    folder = Path(FOLDER[FULL])
    told, listed = read_json(folder / "provenance.json"), sending.manifest(folder)
    weights = {name: one["sha256"] for name, one in listed.items() if name.endswith(".safetensors")}
    report = {"asked": told["probe"], "rows": told["probe"]["rows"], "weights": weights}
    report |= {"base_sha256": told["base_sha256"], "predict": told["recipe"]["predict"], "passed": True}
    Path(PROBE).write_text(json.dumps(report))


def work_on(words: str) -> str:
    """Another model, and the commit that it is made at; its tag."""
    folder = Path(FOLDER[FULL])
    (folder / "model.safetensors").write_text(words)
    write_json(folder / "manifest.json", sending.manifest(folder))
    probed()
    Path("dvc.lock").write_text(f"schema: '2.0'\n# {words}\n")
    git("commit", "-qam", words)
    return tag()


def tag() -> str:
    return f"git-{git('rev-parse', 'HEAD')[:12]}"


def environment(hub: Hub, **changes: str) -> dict[str, str]:
    """Of a process that speaks with this Hub: the client reads its address when it is imported."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    env |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(Path.cwd().parent / "hf"),
            "NO_PROXY": "127.0.0.1"}  # fmt: skip
    return env | {"PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONDONTWRITEBYTECODE": "1",
                  "PYTHONUNBUFFERED": "1"} | changes  # fmt: skip


def kind(name: str) -> str:
    return "dataset" if name == ROWS else "model"


def push_words(name: str = FULL, *more: str) -> list[str]:
    return [sys.executable, "-m", "stages.push", kind(name), name, FOLDER[name], PROBE, *more]


def roll_back_words(to: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "stages.rollback", "model", FULL, to, "receipts", *more]


def ran(hub: Hub, words: list[str], **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run(words, env=environment(hub, **changes), capture_output=True, text=True, timeout=300)


def push(hub: Hub, name: str = FULL, *more: str, **changes: str) -> subprocess.CompletedProcess:
    return ran(hub, push_words(name, *more), **changes)


def roll_back(hub: Hub, to: str, *more: str, **changes: str) -> subprocess.CompletedProcess:
    return ran(hub, roll_back_words(to, *more), **changes)


def torn(repo) -> list[str]:
    """What is not whole about any commit of a repository or any tag: by git, and by the manifest of each release."""
    wrong, commits = [repo.fsck()] if repo.fsck() else [], {commit: title for commit, _, title in repo.log()}
    for commit, title in commits.items():
        if not title.startswith(("Publish ", "Roll back ")):
            continue
        files = repo.files(commit)
        told = json.loads(files["manifest.json"])
        there = {path: {"sha256": sha256(data).hexdigest(), "size": len(data)} for path, data in files.items()
                 if path in told or (release.known(path) and path != "manifest.json")}  # fmt: skip
        wrong += [f"{commit}: {path}" for path in told.keys() | there.keys() if told.get(path) != there.get(path)]
    kinds = {"git-": "Publish git-", "rollback-": "Roll back to git-"}
    return wrong + [
        f"{name} at {commit}, {commits.get(commit)}"
        for name, commit in repo.tags.items()
        for kind, title in kinds.items()
        if name.startswith(kind) and not commits.get(commit, "").startswith(title)
    ]


class Publisher:
    """One process that publishes again and again, as told line by line: imports once, and waits only for moments."""

    CODE = Path(__file__).with_name("publisher.py")

    def __init__(self, hub: Hub):
        self._process = subprocess.Popen([sys.executable, str(self.CODE)], env=environment(hub), text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip

    def __call__(self, verb: str, **words: object) -> dict:
        self._process.stdin.write(json.dumps({"verb": verb} | words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
