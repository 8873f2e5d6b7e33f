"""Publish what a recipe made, or bring an earlier release of it back: gate, send, read back, each a Prefect task.

`python -m flows.publish RECIPE [RECIPE ...] [--dry-run] [--rollback TAG]`. The folder is made by the DVC stage
`publish@RECIPE`; this sends it. Of several, whole models go before the adapters that may stand on them. --dry-run says
what would be sent and how that differs from what is there, starts no server and changes nothing, here or there.

The token is the environment's HF_TOKEN: it goes on to the processes that speak with the Hub, and to nothing else.

Exit status: 0 all is on the Hub and was read back, 1 a gate, the Hub or the reading back refused, 2 bad use.
"""

import argparse
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import causes, dvc, git, past, pipeline, process, receipts
from stages import params

STAGE = "publish@"
WHOLE = "full"  # the method whose models stand alone

Emit = Callable[[str], None]


class NotReady(Exception):
    """Nothing was sent; the text says what is in the way and what to do about it."""


TROUBLE = (NotReady, dvc.NoPipeline, git.GitFailed, params.Refusal)


@dataclass(frozen=True)
class Release:
    """One recipe's release: the folder, and the paths of what its reading back is asked by."""

    recipe: str
    folder: str
    base: str
    report: str


# --- the gate -------------------------------------------------------------------------------------------------------


def gate(recipes: Iterable[str], rollback: bool = False) -> list[Release]:
    """The releases in the order in which they are sent. Refuses what is not whole, committed and up to date.

    rollback: what lies here does not matter, for nothing of it is sent.
    """
    settings = params.load()
    for recipe in recipes:
        params.entry(settings.publish, recipe, "publish")
    edges = dvc.graph()
    chosen = dvc.select(edges, [f"{STAGE}{recipe}" for recipe in recipes])
    if not rollback:
        _committed()
        _current(edges, chosen, list(recipes))
    ordered = sorted(dict.fromkeys(recipes), key=lambda one: (settings.recipes[one].method.kind != WHOLE, one))
    then = past.here()
    return [_release(one, settings, then) for one in ordered]


def _committed() -> None:
    """A tag leads back to a commit: it must hold what is here, and a branch must hold it."""
    if not git.inside():
        raise NotReady("no git repository with a commit here: a release is named after the commit it was made at")
    if changed := git.changed():
        told = ", ".join(changed[:5]) + f" and {len(changed) - 5} more" * (len(changed) > 5)
        raise NotReady(f"the tree is not clean: {told} differ from HEAD; commit or stash them, then publish")
    head = git.head()
    branches = git.git("for-each-ref", "--contains", head, "--format=%(refname:short)", "refs/heads", "refs/remotes")
    if not branches:
        raise NotReady(
            f"commit {head[:12]} is on no branch, and git may drop it one day: `git switch -c NAME`, then publish"
        )


def _current(edges: dvc.Graph, chosen: Iterable[str], recipes: list[str]) -> None:
    """What is sent has to be what the commit makes."""
    if stale := [node for node in chosen if node in dvc.stale(edges)]:
        targets = " ".join(f"{STAGE}{recipe}" for recipe in recipes)
        raise NotReady(
            f"not up to date: {', '.join(stale[:5])}{' …' * (len(stale) > 5)}; "
            f"run `python -m flows.pipeline {targets}`, commit what it changed, then publish"
        )


def _release(recipe: str, settings: params.Params, then: past.Past) -> Release:
    """Where things are, as dvc.lock has it."""
    node, base = f"{STAGE}{recipe}", settings.recipes[recipe].model.base
    if node not in then.lock:
        raise NotReady(f"{node} was never run: `python -m flows.pipeline {node}`, commit, then publish")
    folder = next(path for path, (made_by, _) in then.outs.items() if made_by == node)
    reads = then.reads(node)
    report = next(path for path in reads if path.endswith(".json") and f"evaluate@{recipe}" in
                  {then.outs[out][0] for out in reads[path]})  # fmt: skip
    return Release(recipe, folder, next(path for path in reads if path.endswith(f"/{base}")), report)


# --- the flow -------------------------------------------------------------------------------------------------------


@task(task_run_name="{step} {recipe}", cache_policy=NO_CACHE)
def run(step: str, recipe: str, words: list[str]) -> State:
    """One step by its own process; a failure's message is the refusal."""
    said = deque(maxlen=200)
    log = get_run_logger()

    def emit(line: str) -> None:
        log.info(line)
        said.append(line)

    status = process.run(_command(words), emit, threading.Event())
    if status:
        return Failed(message=causes.cause(list(said), status))
    return Completed(message=said[-1] if said else "")


@flow(name="publish")
def publish(recipes: tuple[str, ...], rollback: str | None = None) -> State:
    """Send and read back each release in turn; the first that is refused ends it."""
    log, done = get_run_logger(), []
    try:
        releases = gate(recipes, rollback=rollback is not None)
    except TROUBLE as error:
        return Failed(message=str(error))
    for one in releases:
        for step, words in steps(one, rollback):
            state = run(step, one.recipe, words, return_state=True)
            if not state.is_completed():
                left = f"; published before it: {', '.join(done)}" if done else ""
                return Failed(message=f"{step} {one.recipe}: {state.message}{left}")
            log.info("%s", state.message)
        done.append(one.recipe)
    return Completed(message=f"published and read back: {', '.join(done)}")


def steps(one: Release, rollback: str | None) -> list[tuple[str, list[str]]]:
    """(what it is called, the words of its command)."""
    if rollback is not None:
        return [("roll back", ["rollback", one.recipe, rollback, str(receipts.FOLDER / one.recipe)])]
    receipt = receipts.path(one.recipe, f"git-{git.head()[:12]}")
    return [
        ("send", ["push", one.recipe, one.folder]),
        ("read back", ["confirm", one.recipe, one.folder, one.base, one.report, str(receipt)]),
    ]


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", f"stages.{words[0]}", *words[1:]]


# --- the command line -----------------------------------------------------------------------------------------------


def foretell(recipes: tuple[str, ...], rollback: str | None, emit: Emit = print) -> int:
    """Print what would be sent; the exit status."""
    worst = 0
    for one in gate(recipes, rollback=rollback is not None):
        _, words = steps(one, rollback)[0]
        worst = max(worst, process.run(_command([*words, "plan"]), emit, threading.Event()))
    return min(worst, 1)


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.publish", description="Send a release, read it back.")
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="an entry of `publish` in params.yaml")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    parser.add_argument("--rollback", metavar="TAG", help="make main what it was at this tag, by one more commit")
    words = parser.parse_args(argv)
    if words.rollback is not None and len(words.recipes) > 1:
        parser.error("--rollback takes one RECIPE: a tag is of one repository")
    pipeline.exit_on_signals()
    recipes = tuple(words.recipes)
    try:
        if words.dry_run:
            sys.exit(foretell(recipes, words.rollback))
        if not os.environ.get("HF_TOKEN", "").strip():
            raise NotReady("no token of the Hub: export HF_TOKEN, with the right to write")
        gate(recipes, rollback=words.rollback is not None)  # before a server starts for nothing
        pipeline.expect_server()
        state = publish(recipes, words.rollback, return_state=True)
    except TROUBLE as error:
        sys.exit(str(error))
    except (KeyboardInterrupt, process.Stopped):
        sys.exit(128 + signal.SIGINT)
    print(state.message, file=sys.stdout if state.is_completed() else sys.stderr)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
