"""A past commit built again from its raw rows and compared, output by output, with what it had recorded.

`python -m flows.rebuild REV`: REV is a commit, a tag, a branch, or a published model, `repo@tag`. Its own stages, its
own settings and its own packages run in a replica beside this workspace (flows.replica), which is not touched; raw
snapshots come from DVC's cache or remote and are not fetched anew. `--from cache` takes what no package can change
from there too and runs the rest; `--collect` lets a lost snapshot be made again where that gives its very bytes. Each
audit is one line in data/reports/rebuilds.

Exit status: 0 all outputs agree, 1 one does not, 3 an input cannot be had, 4 the packages cannot be installed.
"""

import argparse
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from hashlib import sha256
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import audits, digests, dvc, environment, git, manifest, past, pipeline, process, record, replica, verdicts

DIFFERS, NO_INPUTS, NO_PACKAGES = 1, 3, 4
PUBLISHED = re.compile(r"([\w.-]+/[\w.-]+)@([\w./-]+)")
TRIES = 3  # of a node that finds DVC's lock taken

Emit = Callable[[str], None]


class Unknown(Exception):
    """No such commit, nothing recorded in it, or no such recipe; the text says which there are."""


TROUBLE = (Unknown, dvc.NoPipeline, git.GitFailed)


# --- which commit, which nodes --------------------------------------------------------------------------------------


def commit_of(rev: str) -> str:
    """The commit that `rev` names: to git, or as a published model whose provenance names it."""
    named = rev
    if not _known(rev) and (model := PUBLISHED.fullmatch(rev)):
        named = _published(*model.groups())
    if found := _known(named):
        return found
    if named != rev:
        raise Unknown(f"{rev} was made at commit {named}, which this clone has not: `git fetch --all` brings it")
    raise Unknown(f"no commit, tag or branch {rev!r} here, and no published model is written so (repo@tag)")


def _known(rev: str) -> str | None:
    try:
        return git.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    except git.GitFailed:
        return None


def _published(repo: str, tag: str) -> str:
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # read at import; without it a server that has no xet answers nothing
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    try:
        told = json.loads(Path(hf_hub_download(repo, "provenance.json", revision=tag)).read_text("utf-8"))
    except (HfHubHTTPError, httpx.HTTPError, OfflineModeIsEnabled, OSError, ValueError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Unknown(f"no commit {repo}@{tag} here, and the Hub gave no provenance.json of it: {said}") from error
    if not isinstance(told.get("git_commit"), str):
        raise Unknown(f"provenance.json of {repo}@{tag} names no commit")
    return told["git_commit"]


def chosen(then: past.Past, live: list[str], recipe: str | None) -> list[str]:
    """The nodes of its dvc.yaml that it recorded, upstream first; of one recipe, with all it follows from."""
    recorded = {node for node in live if node in then.lock}
    if recipe is not None:
        todo = [node for node in recorded if node.partition("@")[2] == recipe]
        if not todo:
            known = sorted({node.partition("@")[2] for node in recorded if node.startswith("train@")})
            raise Unknown(f"no recipe {recipe!r} in {then.commit[:12]}; there are {', '.join(known) or 'none'}")
        wanted: set[str] = set()
        while todo:
            if (node := todo.pop()) not in wanted:
                wanted.add(node)
                todo += then.edges[node]
        recorded = wanted
    return [node for node in TopologicalSorter(then.edges).static_order() if node in recorded]


def given(then: past.Past, nodes: list[str], source: str) -> set[str]:
    """The nodes that are not run, since their outputs are the inputs of the rebuild.

    raw: those that follow from none, which bring something in from outside. cache: those too that neither depend on
    requirements.lock nor follow from one that does.
    """
    if source == "raw":
        return {node for node in nodes if not then.edges[node]}
    lock = str(environment.LOCK)
    if not any(lock in then.reads(node) for node in nodes):
        raise Unknown(f"no node of {then.commit[:12]} depends on {lock}, so --from cache would run none: --from raw")
    run: set[str] = set()
    for node in nodes:  # upstream first
        if (lock in then.reads(node) and then.edges[node]) or then.edges[node] & run:
            run.add(node)
    return set(nodes) - run


# --- the rebuild ----------------------------------------------------------------------------------------------------


def rebuild(
    rev: str, recipe: str | None = None, source: str = "raw", env: str = "own", scratch: Path = replica.SCRATCH,
    keep: bool = False, workers: int = 1, collect: bool = False, emit: Emit = print,
    stop: threading.Event | None = None,
) -> dict:  # fmt: skip
    """Rebuild a commit and give the audit: {verdict, why, counts, outputs, …}, which is in the history too.

    collect: an input that is in no cache and no remote is made again by its own node, and taken if the bytes are the
    recorded ones. keep: leave the replica in `scratch`.
    """
    stop, began = stop or threading.Event(), time.monotonic()
    commit = commit_of(rev)
    then = past.at(commit)
    if not then.lock:
        raise Unknown(f"{commit[:12]} has no {record.LOCK} with a run in it, so there is nothing to compare with")
    lock = git.content(commit, str(environment.LOCK))
    told = {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "rev": rev, "commit": commit, "recipe": recipe,
        "date": git.git("show", "--no-patch", "--format=%cs", commit), "source": source,
        "env": env, "lock": sha256(lock).hexdigest()[:12] if lock else None, "outputs": [], "notes": [],
    }  # fmt: skip
    try:
        python, told["env"] = _packages(lock, env, scratch, emit, stop)
        told |= replica.packages(python, stop)
        with replica.laid_out(commit, scratch, keep) as root:
            live = replica.nodes(root, python, stop)
            nodes = chosen(then, live, recipe)
            if recipe is None and (never := [node for node in live if node not in then.lock]):
                told["notes"].append(f"in its dvc.yaml and never run in that commit: {', '.join(never)}")
            made = _made(then, nodes, given(then, nodes, source), root, python, workers, collect, emit, stop,
                         told["notes"])  # fmt: skip
        told["outputs"] = [one.told() for one in made]
        told |= _summed(made)
    except environment.NotInstallable as error:
        told |= {"verdict": "not installable", "why": str(error), "status": NO_PACKAGES}
    except replica.Lost as error:
        told |= {"verdict": "inputs missing", "why": str(error), "status": NO_INPUTS}
    told = {"counts": dict.fromkeys(("identical", "measured", "others"), 0)} | told
    told["seconds"] = round(time.monotonic() - began, 1)
    audits.add({key: value for key, value in told.items() if key != "outputs"})
    return told


def _packages(lock: bytes | None, env: str, scratch: Path, emit: Emit, stop: threading.Event) -> tuple[str, str]:
    """The interpreter that runs the stages, and in words whose packages it has."""
    if lock is None:
        raise environment.NotInstallable(f"the commit has no {environment.LOCK}; --env current takes what is here")
    apart = environment.differences(lock.decode("utf-8", "replace"))
    if not apart:
        return sys.executable, "own, as installed here"
    if env == "current":
        emit(f"not the commit's packages: {len(apart)} differ\n" + "\n".join(f"  {one}" for one in apart))
        return sys.executable, f"current, {len(apart)} differ: {', '.join(apart[:3])}{' …' * (len(apart) > 3)}"
    return str(environment.made(lock, scratch.resolve() / "envs", emit, stop)), "own"


def _made(
    then: past.Past, nodes: list[str], inputs: set[str], root: Path, python: str, workers: int, collect: bool,
    emit: Emit, stop: threading.Event, notes: list[str],
) -> list[verdicts.Verdict]:  # fmt: skip
    """Lay the inputs, run the other nodes, and judge each output of theirs once its node has ended."""
    entries = manifest.read(then.file(str(manifest.FILE)) or "{}")
    entries = {path: one for path, one in entries.items() if then.outs.get(path, ("", {}))[1].get("md5") == one["md5"]}
    if not entries:
        notes.append(f"no {manifest.FILE} in that commit: compared by the md5 of its {record.LOCK}")
    run = [node for node in nodes if node not in inputs]
    read = {out for node in run for outs in then.reads(node).values() for out in outs}
    needed = sorted(out for out in read if then.outs[out][0] not in run)
    reproduce = _runner(root, python, emit, stop)
    if lost := replica.lay_inputs(then, needed, entries, root):
        if not collect:
            raise replica.Lost(then, lost)
        _again(then, lost, needed, entries, root, reproduce)
        notes.append(f"lost, and made again to the byte by their own nodes: {', '.join(lost)}")
    emit(f"{len(needed)} recorded outputs of {len({then.outs[out][0] for out in needed})} nodes laid out")
    for node in run:
        if stale := then.stale(node, root):
            notes.append(f"{node} was stale in that commit, {record.LOCK} is of other {', '.join(stale[:3])}")
    today = Path("dvc.yaml").read_text("utf-8") if Path("dvc.yaml").is_file() else ""
    measured, done = then.measured(today), {}

    def judge(node: str) -> None:
        for path, (whose, out) in then.outs.items():
            if whose == node:
                files = lambda path=path, out=out: _recorded(then.commit, path, out["md5"], root)  # noqa: E731
                one = verdicts.Recorded(path, node, out["md5"], entries.get(path), path in measured, files)
                done[path] = verdicts.of(one, root)
                emit(f"{done[path].verdict:10} {path}" + (f": {done[path].why}" if done[path].why else ""))

    failed = _in_order({node: then.edges[node] & set(run) for node in run}, reproduce, judge, workers, stop)
    for path, (node, out) in then.outs.items():
        if node in run and path not in done:
            verdict = "failed" if failed.get(node) else "untried"
            kind = {"by": "sha256" if path in entries else "md5"}
            kind["recorded"] = entries[path]["sha256"] if path in entries else out["md5"]
            done[path] = verdicts.Verdict(
                path, node, verdict, **kind, why=failed.get(node) or _above(node, then, failed)
            )
    return [done[path] for path in then.outs if path in done]


def _runner(root: Path, python: str, emit: Emit, stop: threading.Event) -> Callable[[str], None]:
    """Runs a node in the replica, by its own DVC, though nothing changed."""
    environ = replica.environment(root, python)

    def run(node: str) -> None:
        for left in reversed(range(TRIES)):
            try:
                dvc.reproduce(node, lambda line: emit(f"{node}: {line}"), stop, True, root, python, environ)
                return
            except dvc.NodeBusy:
                if not left:
                    raise
                stop.wait(1)

    return run


def _again(
    then: past.Past, lost: dict[str, str], needed: list[str], entries: dict, root: Path, reproduce: Callable
) -> None:
    """Run the nodes of lost inputs, as asked for; what they write is taken only where it is the recorded bytes."""
    nodes, wrong = {then.outs[path][0] for path in lost}, {}
    for node in sorted(nodes):
        if then.edges[node]:
            raise replica.Lost(then, lost)
        try:
            reproduce(node)
        except dvc.NodeFailed as failure:
            wrong |= {path: f"{why}; made again: {failure}" for path, why in lost.items() if then.outs[path][0] == node}
    for path in needed:
        if then.outs[path][0] in nodes and path not in wrong and (why := replica.altered(then, path, entries, root)):
            wrong[path] = f"{lost.get(path, 'replaced by its node')}; made again: {why}"
    if wrong:
        raise replica.Lost(then, wrong)


def _in_order(
    edges: dvc.Graph, work: Callable[[str], None], judge: Emit, workers: int, stop: threading.Event
) -> dict[str, str]:
    """Do `work` for each node after those it follows from, some side by side; node → why it failed."""
    order, failed, running = TopologicalSorter(edges), {}, {}
    order.prepare()
    below: set[str] = set()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            while order.is_active():
                for node in order.get_ready():
                    if edges[node] & {*failed, *below}:
                        below.add(node)
                        order.done(node)
                    else:
                        running[pool.submit(work, node)] = node
                if not running:
                    continue
                ended: set[Future] = wait(running, timeout=1, return_when=FIRST_COMPLETED).done
                for future in ended:
                    node = running.pop(future)
                    try:
                        future.result()
                        judge(node)
                    except dvc.NodeFailed as failure:
                        failed[node] = str(failure)
                    order.done(node)
        except BaseException:  # Ctrl-C, SIGTERM: the stages must not outlive this
            stop.set()
            raise
    return failed


def _above(node: str, then: past.Past, failed: dict[str, str]) -> str:
    todo, seen = [node], set()
    while todo:
        for one in then.edges[todo.pop()] - seen:
            seen.add(one)
            todo.append(one)
    return f"{', '.join(sorted(seen & failed.keys()))} failed"


def _recorded(commit: str, path: str, md5: str, root: Path) -> dict[str, Path]:
    """Where the recorded bytes are read: in DVC's cache here; or in git, laid beside the replica's own for that."""
    with dvc.project() as repo:
        files = record.cached(repo, md5)
    if files:
        return files if digests.of_kept(files, md5).md5 == md5 else {}
    told = git.content(commit, path)
    if told is None:
        return {}
    beside = root / ".dvc/tmp/recorded" / path
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_bytes(told)
    return {"": beside}


def _summed(made: list[verdicts.Verdict]) -> dict:
    counts = {kind: sum(one.verdict == kind for one in made) for kind in verdicts.GOOD}
    bad = [one for one in made if one.verdict not in verdicts.GOOD]
    first = next((one for one in bad if one.verdict != "untried"), None)
    return {
        "counts": counts | {"others": len(bad)},
        "verdict": first.verdict if first else "identical" if made else "nothing to compare",
        "why": f"{first.path} of {first.node}: {first.why}" if first else "",
        "status": DIFFERS if bad or not made else 0,
    }


# --- as people and machines read it ---------------------------------------------------------------------------------


def table(told: dict) -> str:
    """Output, verdict and both hashes in columns, what differs first; the notes and the sum below."""
    rows = sorted(told["outputs"], key=lambda one: (one["verdict"] in verdicts.GOOD, one["path"]))
    width = max([len(one["path"]) for one in rows] + [6])
    lines = [f"{'output':{width}}  {'verdict':9}  {'recorded':19}  rebuilt"] if rows else []
    for one in rows:
        hashes = f"{one['by']:6} {one['recorded'][:12]:12}  {one['rebuilt'][:12]:12}"
        lines.append(f"{one['path']:{width}}  {one['verdict']:9}  {hashes}  {_first(one['why'])}".rstrip())
    lines += [f"note: {one}" for one in told["notes"]]
    counts = told["counts"]
    lines.append(
        f"{told['commit'][:12]} of {told['date']}: {told['verdict']}; {counts['identical']} identical, "
        f"{counts['measured']} hold times, {counts['others']} not; packages: {told['env']}; "
        f"CPU capability {told.get('capability', 'unknown')}; {told['seconds']:.0f} s"
    )
    if told["why"]:
        lines.append(told["why"])
    return "\n".join(lines)


def _first(text: str) -> str:
    return text.splitlines()[0] if text else ""


# --- the monthly audit ----------------------------------------------------------------------------------------------


def models() -> list[str]:
    """The commits of this branch whose dvc.lock was written with a trained model in it, the oldest first."""
    found = git.git("log", "--reverse", "--format=%H", "--", record.LOCK).split()
    return [commit for commit in found if any(node.startswith("train@") for node in record.locked(commit))]


@flow(name="rebuild-audit")
def audit(seed: int | None = None, source: str = "raw", collect: bool = False) -> State:
    """Rebuild one past model, drawn by a seed that is told. Fails where it does not agree."""
    log, stop = get_run_logger(), threading.Event()
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    try:
        commits = models()
        if not commits:
            return Failed(message=f"no commit of this branch has a {record.LOCK} with a trained model")
        commit = random.Random(seed).choice(commits)
        log.info("seed %s draws %s of %s commits with a model", seed, commit[:12], len(commits))
        told = rebuild(commit, source=source, collect=collect, emit=log.info, stop=stop)
    except TROUBLE as error:
        return Failed(message=f"seed {seed}: {error}")
    except BaseException:
        stop.set()
        raise
    log.info("\n%s", table(told))
    said = f"seed {seed}, {commit[:12]}: {told['verdict']} {told['why']}".strip()
    return Completed(message=said) if told["status"] == 0 else Failed(message=said)


# --- the command line -----------------------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.rebuild", description="Build a past commit again, compare.")
    parser.add_argument("rev", metavar="REV", help="a commit, tag, branch, or a published model as repo@tag")
    parser.add_argument("--recipe", metavar="R", help="only what this recipe follows from")
    parser.add_argument("--from", dest="source", choices=["raw", "cache"], default="raw",
                        help="cache: run only what the packages can change and what follows from that")  # fmt: skip
    parser.add_argument("--env", choices=["own", "current"], default="own", help="whose packages")
    parser.add_argument("--json", action="store_true", help="the audit as JSON on standard output; else a table")
    parser.add_argument("--scratch", type=Path, default=replica.SCRATCH, metavar="FOLDER", help="where it is built")
    parser.add_argument("--keep", action="store_true", help="leave the rebuilt project there")
    parser.add_argument("--collect", action="store_true",
                        help="let a lost input be made by its own node, if that gives its very bytes")  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="nodes at the same time")
    words = parser.parse_args(argv)
    if words.workers < 1:
        parser.error(f"--workers {words.workers}: at least 1")
    pipeline.exit_on_signals()

    def emit(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        told = rebuild(words.rev, words.recipe, words.source, words.env, words.scratch, words.keep, words.workers,
                       words.collect, emit)  # fmt: skip
    except TROUBLE as error:
        sys.exit(str(error))
    except (KeyboardInterrupt, process.Stopped):
        sys.exit(128 + signal.SIGINT)
    print(json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) if words.json else table(told))
    sys.exit(told["status"])


if __name__ == "__main__":
    main()
