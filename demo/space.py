"""The demo as a Space of the Hub: `python -m demo.space FOLDER` writes what such a repository holds.

The code and params.yaml go with it, the models do not: each is read from its own repository at the tag of this commit,
git-<12 hex>, where publish has put it (`publish` in params.yaml names them). A recipe without a release is shown as
missing. Nothing is sent anywhere: look the folder over, then push it as a repository of kind Space.
"""

import argparse
import shutil
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stages import params, release
from stages.files import replacing_folder
from stages.refusal import Refusal

ROOT = Path(__file__).parents[1]
# What the demo imports of requirements.lock, and what Gradio needs of it: the training's tools stay out.
TOPS = ("torch", "transformers", "peft", "datasets", "huggingface-hub", "safetensors", "sentencepiece", "tokenizers",
        "accelerate", "polars", "pyarrow", "numpy", "scikit-learn", "ftfy", "py3langid", "pymorphy3",
        "pymorphy3-dicts-ru", "hanta", "kiwipiepy", "pydantic", "pyyaml", "jinja2", "fastapi", "starlette", "uvicorn",
        "httpx", "httpx2", "orjson", "pandas", "pytz", "typer", "markupsafe", "anyio", "fsspec")  # fmt: skip
OLDER = {"pillow": "pillow==12.3.0", "tomlkit": "tomlkit==0.14.0"}  # Gradio 6.31 asks for less than the lock has
APP = '''"""What the Space runs: the demo, with models at one tag of their repositories."""

from demo import app
from demo.shelf import Shelf
from stages import params

page = app.build(Shelf(params.load(), tag="{tag}"))

if __name__ == "__main__":
    page.launch(css=app.STYLE.read_text("utf-8"), theme=app.theme(), footer_links=[])
'''
README = """---
title: Reviewmill
emoji: 📝
colorFrom: blue
colorTo: gray
sdk: gradio
sdk_version: {gradio}
python_version: "3.11"
app_file: app.py
pinned: false
license: apache-2.0
models:
{models}
---

# Reviewmill

Small models that write, judge, sum up and mark texts, several variants of each side by side. They learnt from synthetic
texts: **generated reviews must be labelled as generated wherever they are shown.** Models are read at tag `{tag}`.
"""


def write(folder: Path, root: Path = ROOT) -> str:
    """Fill the folder; the tag that its models are read at. Refuses a tree that no tag leads back to."""
    state = release.commit()
    if state["git_commit"] is None or state["git_dirty"]:
        raise Refusal(
            "a clean, committed working tree", "changes, or no commit", str(root), "commit, publish, then again"
        )
    tag, settings = f"git-{state['git_commit'][:12]}", params.load(root / "params.yaml")
    pins = locked((root / "requirements.lock").read_text("utf-8"), (root / "demo/requirements.lock").read_text("utf-8"))
    gradio = next(pin.partition("==")[2] for pin in pins if pin.startswith("gradio=="))
    with replacing_folder(folder) as beside:
        for package in ("stages", "demo"):
            shutil.copytree(root / package, beside / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        shutil.copyfile(root / "params.yaml", beside / "params.yaml")
        models = "\n".join(f"  - {one.repo}" for one in settings.publish.values())
        (beside / "README.md").write_text(README.format(gradio=gradio, models=models, tag=tag), "utf-8")
        (beside / "app.py").write_text(APP.format(tag=tag), "utf-8")
        (beside / "requirements.txt").write_text("".join(f"{pin}\n" for pin in pins), "utf-8")
    return tag


def locked(lock: str, further: str) -> list[str]:
    """The pins of a Space: all of `further`, and those of `lock` that TOPS ask for, directly or not."""
    known, own = ({canonicalize_name(line.partition("==")[0]): line for line in text.split() if "==" in line}
                  for text in (lock, further))  # fmt: skip
    wanted, todo = set(), list(TOPS)
    while todo:
        name = todo.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            needs = [Requirement(one) for one in metadata.requires(name) or []]
            todo += [canonicalize_name(one.name) for one in needs
                     if one.marker is None or one.marker.evaluate({"extra": ""})]  # fmt: skip
    return sorted({*(known[name] for name in wanted - OLDER.keys()), *OLDER.values(), *own.values()})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.space", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    try:
        print(f"{folder}: a Space whose models are read at {write(folder)}")
    except Refusal as refusal:
        sys.exit(f"refused by demo.space\n{refusal}")


if __name__ == "__main__":
    main()
