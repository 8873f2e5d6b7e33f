"""A commit's graph as its dvc.lock has it: outputs, what each node reads and follows from. Nothing is checked out.

Here and for the commit checked out alike, so that what a manifest says and what a rebuild follows are one reading.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from flows import digests, record
from flows.git import content

PATTERN = re.compile(r"\$\{[^}]*\}")
KINDS = ("outs", "metrics", "plots")


@dataclass(frozen=True)
class Past:
    """dvc.lock and dvc.yaml of one commit, or of the working directory (commit is None)."""

    commit: str | None
    lock: dict[str, dict]

    @cached_property
    def outs(self) -> dict[str, tuple[str, dict]]:
        """path → (node, its entry in dvc.lock: md5, size), sorted."""
        found = {
            one["path"]: (node, one) for node, of in self.lock.items() for one in of.get("outs", []) if "md5" in one
        }
        return dict(sorted(found.items()))

    def reads(self, node: str) -> dict[str, list[str]]:
        """Each path that the node reads → the outputs at it, over it or below it; none: it lies in git."""
        return {path: self.outputs(path) for path in record.md5s(self.lock[node].get("deps", []))}

    @cached_property
    def edges(self) -> dict[str, set[str]]:
        """Each node and the nodes whose outputs it reads."""
        return {
            node: {self.outs[out][0] for outs in self.reads(node).values() for out in outs} - {node}
            for node in self.lock
        }

    def run(self, node: str) -> str:
        """What dvc.lock says of a node in one word: another run, other settings or other inputs give another."""
        told = json.dumps(self.lock[node], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def stale(self, node: str, root: Path) -> list[str]:
        """What of the commit's code and settings, laid out at `root`, is not what its dvc.lock says of the node."""
        told = self.lock[node]
        code = {path: md5 for path, md5 in record.md5s(told.get("deps", [])).items() if not self.outputs(path)}
        whole = {path: digests.of(root / path) for path in code}
        found = [path for path, md5 in code.items() if whole[path] is None or whole[path].md5 != md5]
        for name, wanted in told.get("params", {}).items():
            settings = yaml.safe_load(self.file(name) or "") or {}
            found += [f"{name}: {key}" for key, value in wanted.items() if _at(settings, key) != value]
        return found

    def file(self, path: str) -> str | None:
        """A text file of the commit; None where it has none."""
        if self.commit:
            told = content(self.commit, path)
            return told.decode("utf-8") if told is not None else None
        return Path(path).read_text("utf-8") if Path(path).is_file() else None

    def measured(self, *others: str) -> "Measured":
        """The outputs that dvc.yaml of this commit, or one of the `others`, labels as measured."""
        return Measured([text for text in (self.file("dvc.yaml"), *others) if text])

    def outputs(self, path: str) -> list[str]:
        """The outputs at `path`, over it or below it."""
        if path in self.outs:
            return [path]
        return [out for out in self.outs if out.startswith(f"{path}/") or path.startswith(f"{out}/")]


class Measured:
    """Which paths are measurements, by the labels in these texts of dvc.yaml."""

    def __init__(self, texts: Iterable[str]):
        self._rules = [re.compile(rule) for text in texts for rule in _rules(text)]

    def __contains__(self, path: str) -> bool:
        return any(rule.fullmatch(path) for rule in self._rules)


def at(commit: str) -> Past:
    """What `commit` recorded."""
    return Past(commit, record.locked(commit))


def here() -> Past:
    """What dvc.lock of the working directory says."""
    return Past(None, record.locked())


def md5(text: str) -> str:
    """As DVC names a text file."""
    return hashlib.md5(text.encode()).hexdigest()


def _at(settings: object, key: str) -> object:
    """What stands at a dotted address; None where nothing does."""
    for word in key.split("."):
        settings = settings.get(word) if isinstance(settings, dict) else None
    return settings


def _rules(text: str) -> list[str]:
    stages = (yaml.safe_load(text) or {}).get("stages", {})
    bodies = [stage.get("do", stage) for stage in stages.values()]
    entries = [one for body in bodies for kind in KINDS for one in body.get(kind, []) if isinstance(one, dict)]
    paths = [path for one in entries for path, how in one.items() if record.MEASURED in (how or {}).get("labels", [])]
    return ["[^/]+".join(map(re.escape, PATTERN.split(path))) for path in paths]
