"""Every past model of this branch, and the way of one back to its raw rows. Read from git; nothing is checked out.

`python -m flows.history [--json]`: commit, date, recipe, metric, data, packages, published where, last rebuilt.
`python -m flows.history --trace MODEL [--at REV]`: what it was made from, output by output, with rows and hashes.

A model stands at the first commit whose dvc.lock names its bytes. It was published where a receipt of this clone says
so (flows.receipts); what another clone sent is known to the Hub alone.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

from flows import audits, dvc, environment, git, manifest, past, receipts, record

NONE = "–"
HEAD = ("commit", "date", "recipe", "metric", "data", "packages", "published", "last rebuilt")
TRAIN, TOKENIZE, PREDICT, EVALUATE, PUBLISH, ENRICH = (
    "train@",
    "tokenize@",
    "predict@",
    "evaluate@",
    "publish@",
    "enrich@",
)


def models() -> list[dict[str, str]]:
    """Each model, the newest first."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    held: dict[tuple[str, str], set[str]] = {}  # model → the commits whose dvc.lock names it
    for line in git.git("log", "--reverse", "--format=%H %cs", "--", record.LOCK).splitlines():
        commit, date = line.split()
        then = past.at(commit)
        for node in sorted(then.lock):
            if not node.startswith(TRAIN) or (md5 := _model(then, node)) is None:
                continue
            recipe = node.removeprefix(TRAIN)
            held.setdefault((recipe, md5), set()).add(commit)
            if (recipe, md5) not in found:
                found[recipe, md5] = {
                    "commit": commit, "date": date, "recipe": recipe, "metric": _metric(then, recipe),
                    "data": _data(then, recipe), "packages": _packages(commit),
                    "published": _published(then, recipe, md5),
                }  # fmt: skip
    rebuilt = audits.read()
    for model, told in found.items():
        told["last rebuilt"] = _audited(rebuilt, held[model], told["recipe"])
    return list(found.values())[::-1]


def _model(then: past.Past, node: str) -> str | None:
    """The md5 of what a training keeps: the folder of weights, not its reports."""
    outs = [one for one in then.lock[node].get("outs", []) if one.get("md5", "").endswith(".dir")]
    return outs[0]["md5"] if outs else None


def _metric(then: past.Past, recipe: str) -> str:
    """The headline that evaluating this very model gave; none where the commit's is of another model."""
    train, predict, evaluate = (then.lock.get(f"{stage}{recipe}", {}) for stage in (TRAIN, PREDICT, EVALUATE))
    made, asked = record.md5s(train.get("outs", [])), record.md5s(predict.get("deps", []))
    answers, read = record.md5s(predict.get("outs", [])), record.md5s(evaluate.get("deps", []))
    for below, above in ((made, asked), (answers, read)):
        if not evaluate or any(above[path] != md5 for path, md5 in below.items() if path in above):
            return NONE
    for path, md5 in record.md5s(evaluate.get("outs", [])).items():
        text = then.file(path) if path.endswith(".json") else None
        told = json.loads(text) if text else {}
        if isinstance(told, dict) and "headline" in told and past.md5(text) == md5:
            value = told.get("metrics", {}).get(told["headline"], {}).get("value")
            return NONE if value is None else f"{told['headline']} {value:.3f}"
    return NONE


def _data(then: past.Past, recipe: str) -> str:
    """The md5 of the table that its rows are drawn from."""
    deps = record.md5s(then.lock.get(f"{TOKENIZE}{recipe}", {}).get("deps", []))
    found = [md5 for path, md5 in deps.items() if then.outs.get(path, ("",))[0].startswith(ENRICH)]
    return found[0][:12] if found else NONE


@cache
def _packages(commit: str) -> str:
    lock = git.content(commit, str(environment.LOCK))
    return sha256(lock).hexdigest()[:12] if lock else NONE


def _published(then: past.Past, recipe: str, model: str | None) -> str:
    """Where this very model was read back from, by the receipts of this clone; else the repository it is meant for."""
    told = [f"{one['repo']}@{one['tag']}" for one in receipts.read(recipe) if _made(one["git_commit"], recipe) == model]
    if told and model is not None:
        return ", ".join(told)
    settings = then.lock.get(f"{PUBLISH}{recipe}", {}).get("params", {}).get("params.yaml", {})
    repo = (settings.get(f"publish.{recipe}") or {}).get("repo")
    return f"unknown (for {repo}@git-{then.commit[:12]})" if repo else NONE


@cache
def _made(commit: str | None, recipe: str) -> str | None:
    """The md5 of a recipe's model in a commit; None where this clone has not that commit, or no such model in it."""
    then = past.at(commit) if commit else None
    return _model(then, f"{TRAIN}{recipe}") if then and f"{TRAIN}{recipe}" in then.lock else None


def _audited(rebuilt: list[dict], commits: set[str], recipe: str) -> str:
    """The last audit of a commit that has the model."""
    mine = [one for one in rebuilt if one["commit"] in commits and one["recipe"] in (None, recipe)]
    return f"{mine[-1]['at']} {mine[-1]['verdict']}" if mine else "never"


# --- back to the raw rows -------------------------------------------------------------------------------------------


def trace(model: str, rev: str | None = None) -> Iterator[str]:
    """Lines: an output, then below it, two spaces further in, what it was made from; each output once in full."""
    then = past.at(git.git("rev-parse", "--verify", f"{rev}^{{commit}}")) if rev else past.here()
    entries = manifest.read(then.file(str(manifest.FILE)) or "{}")
    path = _path(model, then)
    if path not in entries:
        yield f"no {manifest.FILE} entry of {path} there: followed by the md5s of {record.LOCK}, rows unknown"
    yield from _below(path, then, entries, "", set())


def _path(model: str, then: past.Past) -> str:
    """The output that is meant: a path of dvc.lock, or a recipe."""
    if model in then.outs:
        return model
    trained = [
        path for path, (node, out) in then.outs.items() if node == f"{TRAIN}{model}" and out["md5"].endswith(".dir")
    ]
    if not trained:
        known = ", ".join(sorted(node.removeprefix(TRAIN) for node in then.lock if node.startswith(TRAIN))) or "none"
        raise dvc.NoPipeline(f"no output and no recipe {model!r} in {record.LOCK} there; recipes: {known}")
    return trained[0]


def _below(path: str, then: past.Past, entries: manifest.Entries, indent: str, seen: set[str]) -> Iterator[str]:
    node, out = then.outs[path]
    one = entries.get(path)
    told = [f"{indent}{path}", f"sha256 {one['sha256'][:16]}" if one else f"md5 {out['md5'][:16]}"]
    told += [f"{one['rows']:,} rows"] if one and "rows" in one else []
    told += [f"{out.get('size', 0):,} bytes", node]
    if path in seen:
        yield "  ".join([*told, "(above)"])
        return
    seen.add(path)
    if one and one["md5"] != out["md5"]:
        told.append(f"{manifest.FILE} is of another run")
    yield "  ".join(told)
    deps = record.md5s(then.lock[node].get("deps", []))
    inputs = [below for outs in then.reads(node).values() for below in outs]
    if not inputs:
        yield f"{indent}  brought in by {node}: what its params and code in git say"
    for below in dict.fromkeys(inputs):
        now, read = then.outs[below][1]["md5"], deps.get(below)
        if read and read != now:
            yield f"{indent}  {below}  md5 {read[:16]}, not the {now[:16]} of {record.LOCK}: {node} is stale"
        else:
            yield from _below(below, then, entries, f"{indent}  ", seen)


# --- the command line -----------------------------------------------------------------------------------------------


def table(found: list[dict[str, str]]) -> str:
    """The models in columns."""
    rows = [HEAD, *((one["commit"][:12], *(one[key] for key in HEAD[1:])) for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.history", description="Past models, and where they come from."
    )
    parser.add_argument("--json", action="store_true", help="as JSON instead of a table")
    parser.add_argument("--trace", metavar="MODEL", help="a recipe or a path: what it was made from, to the raw rows")
    parser.add_argument("--at", metavar="REV", help="of --trace: in which commit (default: the working directory)")
    words = parser.parse_args(argv)
    try:
        if words.trace:
            print("\n".join(trace(words.trace, words.at)))
        else:
            found = models()
            print(json.dumps(found, ensure_ascii=False, indent=2) if words.json else table(found))
    except (git.GitFailed, dvc.NoPipeline) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
