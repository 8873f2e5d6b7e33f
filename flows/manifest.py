"""manifest.json: each output of dvc.lock by its SHA-256, and by those of what it was made from, back to the raw rows.

DVC names a file by its MD5, and an MD5 can be met by other bytes. This file lies beside dvc.lock, in git, one line an
output: sha256, md5, size, rows of a table, files of a folder, the node, its run, its inputs, its code.
`python -m flows.manifest` brings it up to date and hashes what ran since; --check compares it with dvc.lock;
--verify reads everything again, here and in DVC's cache.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from flows import digests, dvc, past, record
from stages.files import replacing

FILE = Path("manifest.json")
LISTED = 50  # files of a folder at most that are named one by one
MEND = (
    "delete the named file and its object in DVC's cache, then `dvc pull`, or make it anew: "
    "`dvc repro --force --single-item NODE`"
)
REDO = "`dvc repro` makes what is not, then `python -m flows.manifest`"

Entries = dict[str, dict]


def read(text: str | None = None) -> Entries:
    """The entries of manifest.json, or of `text`; none where there is no such file."""
    if text is None:
        text = FILE.read_text("utf-8") if FILE.is_file() else "{}"
    return json.loads(text)


def update() -> list[str]:
    """Write manifest.json anew where dvc.lock has moved on; the outputs whose bytes are nowhere here."""
    known, now = read(), past.here()
    with ExitStack() as stack:
        entries, lacking = _entries(now, known, cache(lambda: stack.enter_context(dvc.project())))
    if entries != known or not FILE.is_file():
        lines = (f"{json.dumps(path)}: {json.dumps(one, sort_keys=True)}" for path, one in sorted(entries.items()))
        with replacing(FILE) as beside:
            beside.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    return lacking


def disagreements() -> list[str]:
    """Where manifest.json and dvc.lock tell different stories, each on a line."""
    if not FILE.is_file():
        return [f"no {FILE}: `python -m flows.manifest` writes it"]
    known, now = read(), past.here()
    found = []
    for path, one in known.items():
        node, out = now.outs.get(path, (None, {}))
        if node is None:
            found.append(f"{path}: in {FILE}, and in {record.LOCK} no more")
        elif one["md5"] != out["md5"]:
            found.append(f"{path} of {node}: md5 {one['md5']} in {FILE}, {out['md5']} in {record.LOCK}")
        elif (one["stage"], one["run"]) != (node, now.run(node)):
            found.append(f"{path}: {record.LOCK} holds another run of {node}")
    live = _live()
    found += [
        f"{path} of {node}: not in {FILE}" for path, (node, _) in now.outs.items() if node in live and path not in known
    ]
    return found


def altered(entries: Entries, folder: Path = Path(), kept: bool = False) -> list[str]:
    """Which of these lie in `folder` as other bytes than the manifest names: each on a line, a folder's with the file.

    kept: this project's DVC cache is looked at too. What does not lie here is not looked at.
    """
    found = []
    for path, one in entries.items():
        found += _against(one, path, digests.of(folder / path), "")
    if kept:
        from dvc_objects.errors import ObjectFormatError

        with dvc.project() as repo:
            for path, one in entries.items():
                try:
                    lies = record.cached(repo, one["md5"])
                except ObjectFormatError as error:  # the list of a folder's files
                    found.append(f"{path} of {one['stage']}, in DVC's cache ({one['md5']}): {error}")
                    continue
                if lies is not None:
                    whole = digests.of_kept(lies, one["md5"])
                    found += _against(one, path, whole, f", in DVC's cache ({one['md5']})")
    return found


def inputs(nodes: Collection[str]) -> dict[str, Entries]:
    """node → the entries of what it reads, as dvc.yaml says; none of an output whose node has run since."""
    known = read() if nodes else {}
    if not known:
        return {}
    now = past.here()
    sure = {path: one for path, one in known.items()
            if path in now.outs and now.run(now.outs[path][0]) == one["run"]}  # fmt: skip
    graph = record.nodes()
    return {
        node: {path: sure[path] for dep in graph[node].deps for path in now.outputs(dep) if path in sure}
        for node in nodes
    }


def _entries(now: past.Past, known: Entries, repo: Callable) -> tuple[Entries, list[str]]:
    measured, made, lacking = now.measured(), {}, []
    runs = {node: now.run(node) for node in now.lock}
    for path, (node, out) in now.outs.items():
        former = known.get(path, {})
        if (former.get("stage"), former.get("run")) == (node, runs[node]):
            made[path] = {key: value for key, value in former.items() if key != record.MEASURED}
        elif (found := _found(path, out["md5"], repo)) is None:
            lacking.append(path)
        else:
            whole, where = found
            made[path] = {
                "stage": node,
                "run": runs[node],
                "md5": out["md5"],
                "sha256": whole.sha256,
                "size": whole.size,
            }
            if 0 < len(whole.files) <= LISTED:
                made[path]["files"] = whole.files
            if (rows := _rows(where)) is not None:
                made[path]["rows"] = rows
        if path in made and path in measured:
            made[path][record.MEASURED] = True
    _link(now, made)
    return made, lacking


def _link(now: past.Past, made: Entries) -> None:
    """What each was made from: outputs by their hash, code and settings in git by one hash for all."""
    hashed: dict[str, digests.Digest | None] = {}
    for one in made.values():
        if "inputs" in one:
            continue
        deps, reads = record.md5s(now.lock[one["stage"]].get("deps", [])), now.reads(one["stage"])
        read = {out for outs in reads.values() for out in outs}
        one["inputs"] = {out: made[out]["sha256"] for out in sorted(read) if out in made}
        code = sorted(path for path, outs in reads.items() if not outs)
        for path in code:
            if path not in hashed:
                hashed[path] = digests.of(Path(path))
        if all(hashed[path] and hashed[path].md5 == deps[path] for path in code):  # else it has changed since
            lines = "".join(f"{hashed[path].sha256}  {path}\n" for path in code)
            one["code"] = hashlib.sha256(lines.encode()).hexdigest()


def _found(path: str, md5: str, repo: Callable) -> tuple[digests.Digest, dict[str, Path]] | None:
    """The bytes of that md5, and where each file of them is read: in the workspace, else in DVC's cache."""
    here = digests.of(Path(path))
    if here and here.md5 == md5:
        return here, {name: Path(path) / name for name in here.files} or {"": Path(path)}
    kept = record.cached(repo(), md5)
    whole = digests.of_kept(kept, md5) if kept else None
    return (whole, kept) if whole and whole.md5 == md5 else None


def _rows(where: dict[str, Path]) -> int | None:
    """The rows of a table, or of the Arrow files of a folder; None of what is no table. where: name → file."""
    import pyarrow

    found = []
    for name, path in where.items():
        with path.open("rb") as file:
            start = file.read(4)
        try:
            if start == b"PAR1":
                from pyarrow import parquet

                found.append(parquet.read_metadata(path).num_rows)
            elif name.endswith(".arrow"):
                with pyarrow.memory_map(str(path)) as source:
                    found.append(sum(batch.num_rows for batch in pyarrow.ipc.open_stream(source)))
        except (pyarrow.ArrowInvalid, OSError):
            return None
    return sum(found) if found else None


def _live() -> set[str]:
    with dvc.project() as repo:
        return {stage.addressing for stage in repo.index.stages}


def _against(one: dict, path: str, whole: digests.Digest | None, where: str) -> Iterator[str]:
    if whole is None or whole.sha256 == one["sha256"]:
        return
    files = one.get("files", {})
    names = (
        [name for name in sorted({*files, *whole.files}) if files.get(name) != whole.files.get(name)] if files else []
    )
    told = f" ({', '.join(names[:3])}{' and more' if len(names) > 3 else ''})" if names else ""
    twin = "; DVC, which knows MD5 alone, takes them for the same" if whole.md5 == one["md5"] else ""
    yield f"{path}{told} of {one['stage']}{where}: sha256 {whole.sha256}, expected {one['sha256']}{twin}"


def main(argv: list[str] | None = None) -> None:
    """The command line. Exit status 1 where --check or --verify found something."""
    parser = argparse.ArgumentParser(prog="python -m flows.manifest", description="Each output by its SHA-256.")
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--check", action="store_true", help="compare with dvc.lock; no output is read")
    does.add_argument("--verify", action="store_true", help="read every output, here and in DVC's cache, and compare")
    words = parser.parse_args(argv)
    try:
        if words.check:
            if not FILE.is_file():
                print(*disagreements())
            elif found := disagreements():
                sys.exit("\n".join([f"{FILE} and {record.LOCK} disagree:", *found, REDO]))
        elif words.verify:
            entries = read()
            if found := disagreements() + altered(entries, kept=True):
                sys.exit("\n".join(["altered:", *found, MEND]))  # fmt: skip
            print(f"{len(entries)} outputs: none altered")
        else:
            lacking = update()
            print(f"{FILE}: {len(read())} outputs" + (f"; no bytes here of {', '.join(lacking)}" if lacking else ""))
    except (dvc.NoPipeline, OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
