"""What a published folder is made of: the files that may leave, the commit they come from, their hashes."""

import hashlib
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from stages.refusal import Refusal

ADAPTER = "adapter_config.json"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
# Names, each with whether it must be there. Sharded weights stand in for model.safetensors.
WHOLE = {"config.json": True, "generation_config.json": False, "model.safetensors": True} | dict.fromkeys(
    TOKENIZER, True
)
PART = {ADAPTER: True, "adapter_model.safetensors": True} | dict.fromkeys(TOKENIZER, True)
SHARDS = re.compile(r"model(-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)")
WRITTEN = ("README.md", "LICENSE", "provenance.json")  # what publish adds to the model's own files
SKIPPED = ("merged",)  # the adapter once more, melted into its base
LEFTOVER = re.compile(
    r"training_args\.bin|(optimizer|scheduler|scaler)\.pt|rng_state.*\.pth|trainer_state\.json|checkpoint-.*"
)


def is_adapter(folder: Path) -> bool:
    return (folder / ADAPTER).is_file()


def known(name: str) -> bool:
    """Whether a file of this name is one that a release, of either kind, may hold."""
    return name in {*WHOLE, *PART, *WRITTEN} or bool(SHARDS.fullmatch(name))


def files(folder: Path, beside: tuple[str, ...] = ()) -> list[Path]:
    """The files of a model or an adapter, sorted by name, with those named `beside`; all must be there.

    An allow-list, so that nothing leaves unseen. Refuses what training leaves behind (training_args.bin is a pickle
    that can hold a token in clear), any other name, what is not a plain file, and a model that lacks a part.
    """
    if not folder.is_dir():
        raise Refusal("a folder with a model", "no such folder", str(folder), "run `dvc repro`, which makes it")
    wanted = (PART if is_adapter(folder) else WHOLE) | dict.fromkeys(beside, True)
    there = sorted(path for path in folder.iterdir() if path.name not in SKIPPED)
    left = [path.name for path in there if LEFTOVER.fullmatch(path.name)]
    if left:
        do = "delete it: training needs it, nobody else does, and training_args.bin can hold your token"
        raise Refusal(_list(wanted), f"{_list(left)}, left by training", str(folder), do)
    shards = [] if is_adapter(folder) else [path.name for path in there if SHARDS.fullmatch(path.name)]
    strange = [path.name for path in there if path.name not in {*wanted, *shards} or not path.is_file()]
    if strange:
        do = "take it away; if it belongs to a model, add it to stages/release.py"
        raise Refusal(f"only {_list(wanted)}", f"{_list(strange)} beside them", str(folder), do)
    names = {path.name for path in there}
    whole = {"model.safetensors"} if len(shards) > 1 and "model.safetensors.index.json" in shards else set()
    lacking = [name for name, must in wanted.items() if must and name not in names | whole]
    if lacking:
        do = "run `dvc repro`, which makes it anew"
        raise Refusal(_list(name for name, must in wanted.items() if must), f"no {_list(lacking)}", str(folder), do)
    return there


def commit() -> dict:
    """{git_commit, git_dirty} of the working tree; both None outside a repository and before a first commit."""
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    return {"git_commit": head or None, "git_dirty": bool(_git("status", "--porcelain")) if head else None}


def sha256(path: str | Path) -> str | None:
    """The SHA-256 of a file, hexadecimal; None where there is no such file."""
    if not Path(path).is_file():
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git(*words: str) -> str | None:
    """What git says; None where there is no git, no repository or no answer."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
