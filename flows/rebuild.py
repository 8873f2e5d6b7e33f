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
import random
import signal
import sys
import threading
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import dvc, git, pipeline, process, rebuilding, record, replica, revisions, verdicts

TROUBLE = (revisions.Unknown, dvc.NoPipeline, git.GitFailed)


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
        told = rebuilding.rebuild(commit, source=source, collect=collect, emit=log.info, stop=stop)
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
        told = rebuilding.rebuild(
            words.rev, words.recipe, words.source, words.env, words.scratch, words.keep, words.workers, words.collect,
            emit,
        )  # fmt: skip
    except TROUBLE as error:
        sys.exit(str(error))
    except (KeyboardInterrupt, process.Stopped):
        sys.exit(128 + signal.SIGINT)
    print(json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) if words.json else table(told))
    sys.exit(told["status"])


if __name__ == "__main__":
    main()
