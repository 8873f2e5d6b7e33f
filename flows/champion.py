"""The champion asked again: its model, out of DVC's cache, answers and is measured on the challenger's test rows.

The stages' own commands do it, in a scratch folder that looks like the project: what the champion is made of lies there
as its commit recorded it, everything else as it is today.
"""

import shlex
import threading
from collections.abc import Callable
from pathlib import Path

import yaml

from flows import causes, process, record

PARAMS = "params.yaml"
OWN = ("task", "model", "predict")  # words of a recipe that belong to the model; its rows are today's


class NoContest(Exception):
    """The champion cannot be asked; the text says why."""


def snapshot(recipe: str, source: str, lock: dict[str, dict], nodes: dict[str, record.Node]) -> str:
    """The md5 of the enriched table that the champion learnt from. lock: dvc.lock of its commit."""
    (table,) = nodes[f"enrich@{source}"].kept
    known = record.md5s(lock[f"tokenize@{recipe}"]["deps"])
    if table not in known:
        raise NoContest(f"dvc.lock does not say which {table} the champion of {recipe} learnt from")
    return known[table]


def held(recipe: str, md5: str, lock: dict[str, dict], nodes: dict[str, record.Node], folder: Path,
         remote: str | None) -> None:  # fmt: skip
    """Bring what asking the champion again will take into DVC's cache, or say what is missing, before hours of work."""
    own = _of_the_champion(lock, nodes, f"tokenize@{recipe}", f"train@{recipe}")
    for one in {md5, *own.values()}:
        record.lay(one, folder / one, remote)


def answer(
    recipe: str, lock: dict[str, dict], nodes: dict[str, record.Node], scratch: Path,
    emit: Callable[[str], None], stop: threading.Event, remote: str | None,
) -> Path:  # fmt: skip
    """Lay out `scratch`, run the stages there, and give the path of the champion's scores."""
    tokenize, train, predict, evaluate = (f"{stage}@{recipe}" for stage in ("tokenize", "train", "predict", "evaluate"))
    own = _of_the_champion(lock, nodes, tokenize, train)
    steps = [predict, evaluate]
    if _read_otherwise(own, lock, nodes, tokenize):  # with another tokenizer the same rows are other numbers
        steps.insert(0, tokenize)
    for path, md5 in own.items():
        record.lay(md5, scratch / path, remote)
    (scratch / PARAMS).write_text(yaml.safe_dump(_settings(recipe, lock, (tokenize, predict)), allow_unicode=True))
    _link(nodes, steps, own, scratch)
    for step in steps:
        for path in (*nodes[step].kept, *nodes[step].reports):
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        last = []
        status = process.run(shlex.split(nodes[step].cmd), lambda line, last=last: last.append(line) or emit(line),
                             stop, scratch)  # fmt: skip
        if status:
            told = "\n".join(last[-causes.TAIL :])
            raise NoContest(f"the champion's {step} failed with status {status}:\n{told}")
    (scores,) = nodes[evaluate].kept
    return scratch / scores


def _of_the_champion(lock: dict, nodes: dict[str, record.Node], tokenize: str, train: str) -> dict[str, str]:
    """Today's path → the champion's md5, of its model and of its base (what train reads beside code and tokens)."""
    made = {path for node in nodes.values() for path in node.kept}
    once = {path for of in lock.values() for path in record.md5s(of.get("outs", []))}
    tokens = {*nodes[tokenize].kept, *record.md5s(lock[tokenize]["outs"])}
    deps, outs = (record.md5s(lock[train][kind]) for kind in ("deps", "outs"))
    pairs = (
        (made.intersection(nodes[train].deps) - tokens, once.intersection(deps) - tokens),
        (set(nodes[train].kept), outs.keys() - set(nodes[train].reports)),
    )
    found = {}
    for (today, before), of in zip(pairs, (deps, outs), strict=True):
        gone, new = before - today, today - before
        if len(gone) > 1 or len(gone) != len(new):
            raise NoContest(f"{train} had {sorted(gone)} in the champion's commit where it now has {sorted(new)}")
        found |= {path: of[path] for path in today & before}
        found |= {path: of[once] for path, once in zip(new, gone, strict=True)}  # a recipe with another base
    return found


def _read_otherwise(own: dict[str, str], lock: dict, nodes: dict[str, record.Node], tokenize: str) -> bool:
    """Whether the champion would turn rows into other numbers than the challenger: by its base, or by its settings."""
    now = record.locked()[tokenize]
    bases = {path: md5 for path, md5 in record.md5s(now["deps"]).items() if path in own}
    settings = [
        {key: value for key, value in of.get("params", {}).get(PARAMS, {}).items() if key.rpartition(".")[2] in OWN}
        for of in (now, lock[tokenize])
    ]
    return any(own[path] != md5 for path, md5 in bases.items()) or settings[0] != settings[1]


def _settings(recipe: str, lock: dict, stages: tuple[str, ...]) -> dict:
    """Today's params.yaml with the champion's own words of the recipe, as its commit recorded them."""
    raw = yaml.safe_load(Path(PARAMS).read_text("utf-8"))
    for stage in stages:
        for key, value in lock[stage].get("params", {}).get(PARAMS, {}).items():
            section, _, word = key.rpartition(".")
            if section == f"recipes.{recipe}" and word in OWN:
                raw["recipes"][recipe][word] = value
    return raw


def _link(nodes: dict[str, record.Node], steps: list[str], own: dict[str, str], scratch: Path) -> None:
    """Everything else that the steps read, as it lies in the project: code by its top folder, data one by one."""
    made = {path for node in nodes.values() for path in (*node.kept, *node.reports)}
    tops, here = {Path(path).parts[0] for path in made}, Path.cwd()
    ours = {path for step in steps for path in (*nodes[step].kept, *nodes[step].reports)}
    for path in dict.fromkeys(path for step in steps for path in nodes[step].deps):
        if path in own or path in ours:
            continue
        top = Path(path) if Path(path).parts[0] in tops else Path(Path(path).parts[0])
        target = scratch / top
        if not target.is_symlink() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(here / top)
