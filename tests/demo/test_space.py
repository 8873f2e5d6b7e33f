"""The Space's folder: its pins are the locks', its models are read at the tag of the commit."""

import ast
import importlib.util
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from small_mill import ROOT

from demo import space
from stages.refusal import Refusal

PIN = re.compile(r"[\w.-]+==[\w.+-]+")


def git(*words: str) -> str:
    who = ["-c", "user.name=mill", "-c", "user.email=mill@example.org"]
    return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """A committed tree; the Space itself is made of the project's own files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path("a").write_text("a")
    Path(".gitignore").write_text("space\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "a")
    return tmp_path


def test_a_space_is_code_pins_and_a_front_matter(tree):
    tag = space.write(Path("space"))
    assert tag == f"git-{git('rev-parse', 'HEAD')[:12]}"
    head = yaml.safe_load(Path("space/README.md").read_text("utf-8").split("---\n")[1])
    pins = Path("space/requirements.txt").read_text().split()
    assert head["sdk"] == "gradio" and f"gradio=={head['sdk_version']}" in pins
    published = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))["publish"]
    assert head["models"] == [one["repo"] for one in published.values()]
    assert all(PIN.fullmatch(pin) for pin in pins)
    lock = {*(ROOT / "requirements.lock").read_text().split(), *(ROOT / "demo/requirements.lock").read_text().split()}
    assert set(pins) <= lock | set(space.OLDER.values())
    names = {pin.partition("==")[0].lower() for pin in pins}
    assert {"torch", "transformers", "peft", "polars", "gradio", "uvicorn", "fastapi"} <= names
    assert not {"dvc", "prefect", "pytest", "ruff", "ray", "mlflow"} & names
    app = Path("space/app.py").read_text("utf-8")
    assert tag in app and ast.parse(app)
    assert {path.name for path in Path("space").iterdir()} == {
        "README.md", "app.py", "requirements.txt", "params.yaml", "stages", "demo",
    }  # fmt: skip
    assert not list(Path("space").rglob("__pycache__"))


@pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="Gradio is not installed: make demo")
def test_the_pins_of_a_space_agree_with_each_other_and_lack_nothing():
    """What each package asks for, as its own metadata has it, is what is pinned."""
    pins = space.locked(*((ROOT / path).read_text() for path in ("requirements.lock", "demo/requirements.lock")))
    have = {canonicalize_name(pin.partition("==")[0]): pin.partition("==")[2] for pin in pins}
    told = []
    for name in have.keys() - space.OLDER.keys():
        for one in map(Requirement, metadata.requires(name) or []):
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                found = have.get(canonicalize_name(one.name))
                if found is None or not one.specifier.contains(found, prereleases=True):
                    told.append(f"{name} asks for {one}, and {found} is pinned")
    assert [one for one in told if not one.startswith("torch asks for")] == []  # its CUDA libraries come with it


def test_a_tree_that_no_tag_leads_back_to_is_refused(tree):
    Path("a").write_text("b")
    with pytest.raises(Refusal):
        space.write(Path("space"))
    assert not Path("space").exists()
