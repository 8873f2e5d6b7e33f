"""What a published folder may hold: which files, and nothing inside them that tells where they were made."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open

from stages import git
from stages.refusal import Refusal
from stages.schema import SPLITS

ADAPTER = "adapter_config.json"
# Names, each with whether it must be there. Sharded weights stand in for model.safetensors.
TOKENIZER = {"tokenizer.json": True, "tokenizer_config.json": True} | dict.fromkeys(
    ("special_tokens_map.json", "added_tokens.json", "chat_template.jinja"), False
)
WHOLE = {"config.json": True, "generation_config.json": False, "model.safetensors": True} | TOKENIZER
PART = {ADAPTER: True, "adapter_model.safetensors": True} | TOKENIZER
SHARDS = re.compile(r"model(-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)")
WRITTEN = ("README.md", "LICENSE", "provenance.json", "manifest.json")  # what publish adds to the model's own files
ROWS = tuple(f"{split}.parquet" for split in SPLITS)  # what share puts beside these
SKIPPED = ("merged",)  # the adapter once more, melted into its base
LEFTOVER = re.compile(
    r"training_args\.bin|(optimizer|scheduler|scaler)\.pt|rng_state.*\.pth|trainer_state\.json|checkpoint-.*"
)
# A path of this machine: a word that begins as only those do, and goes on.
LOCAL = re.compile(r"""(?:^|[\s"'=(])(?:file://|~/|[A-Za-z]:\\|(?:/[\w.+-]+){2})""")


def is_adapter(folder: Path) -> bool:
    return (folder / ADAPTER).is_file()


def known(name: str) -> bool:
    """Whether a file of this name is one that a release, of either kind, may hold."""
    return name in {*WHOLE, *PART, *WRITTEN, *ROWS} or bool(SHARDS.fullmatch(name))


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


def rows(folder: Path) -> list[Path]:
    """The files of a dataset's release, sorted by name: the splits and what is WRITTEN, all and nothing else."""
    wanted = sorted([*ROWS, *WRITTEN])
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    if [path.name for path in there] != wanted or not all(path.is_file() for path in there):
        found = _list(path.name for path in there) or "nothing"
        raise Refusal(f"{_list(wanted)}, all plain files", found, str(folder), "run `dvc repro`, which makes it anew")
    return there


def spotless(paths: Iterable[Path]) -> None:
    """Refuse weights that are no safetensors, and a path of this machine in their metadata or in a settings file."""
    found = []
    for path in paths:
        if path.suffix == ".safetensors":
            try:
                with safe_open(path, "numpy") as weights:
                    told = weights.metadata()
            except (SafetensorError, OSError) as error:
                do = "delete it and run `dvc repro`, which makes it anew"
                raise Refusal("weights as safetensors", str(error).splitlines()[0], str(path), do) from error
        elif path.suffix == ".json" and path.name != "tokenizer.json":  # that one holds a vocabulary, of any words
            try:
                told = json.loads(path.read_text("utf-8"))
            except ValueError as error:
                do = "delete it and run `dvc repro`, which makes it anew"
                raise Refusal("settings as JSON", str(error), str(path), do) from error
        else:
            continue
        found += [f"{text!r} in {path.name}" for text in texts(told) if LOCAL.search(text)]
    if found:
        do = "take it out where it is written: the stage that saves the model"
        raise Refusal("no path of this machine", "; ".join(found), str(path.parent), do)


def texts(value: object) -> Iterator[str]:
    """All texts inside a value of JSON, keys of objects apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def licence(spdx: str, where: str) -> Path:
    """The licence's full text, which stands beside what is released. where: the setting that names it."""
    known = {path.stem: path for path in sorted((Path(__file__).parent / "licenses").glob("*.txt"))}
    if spdx not in known:
        raise Refusal(f"one of {_list(known)}", spdx, where, f"add its text as stages/licenses/{spdx}.txt")
    return known[spdx]


def commit() -> dict:
    """{git_commit, git_dirty} of the working tree; both None outside a repository and before a first commit."""
    head = (git.said("rev-parse", "--verify", "--quiet", "HEAD") or b"").decode().strip()
    told = git.said("status", "--porcelain", "--untracked-files=all") if head else b""  # None: unknown, so not clean
    return {"git_commit": head or None, "git_dirty": told != b"" if head else None}


def sha256(path: str | Path) -> str | None:
    """The SHA-256 of a file, hexadecimal; None where there is no such file."""
    if not Path(path).is_file():
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
