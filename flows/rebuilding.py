"""A past commit's nodes run again in a replica, each output judged once its node has ended, and the audit of it."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from hashlib import sha256
from pathlib import Path

from flows import audits, digests, dvc, environment, git, manifest, past, record, replica, revisions, verdicts

DIFFERS, NO_INPUTS, NO_PACKAGES = 1, 3, 4  # exit status
TRIES = 3  # of a node that finds DVC's lock taken

Emit = Callable[[str], None]


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
    commit = revisions.commit_of(rev)
    then = past.at(commit)
    if not then.lock:
        why = f"{commit[:12]} has no {record.LOCK} with a run in it, so there is nothing to compare with"
        raise revisions.Unknown(why)
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
            nodes = revisions.chosen(then, live, recipe)
            if recipe is None and (never := [node for node in live if node not in then.lock]):
                told["notes"].append(f"in its dvc.yaml and never run in that commit: {', '.join(never)}")
            made = _made(then, nodes, revisions.given(then, nodes, source), root, python, workers, collect, emit, stop,
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
    apart = environment.apart(lock.decode("utf-8", "replace"))
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
