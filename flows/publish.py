"""Publish what a recipe made, or bring an earlier release of it back: gate, send, read back, each a Prefect task.

`python -m flows.publish RECIPE [RECIPE ...] [--dry-run] [--rollback TAG]`. The folders are made by the DVC stages
`publish@RECIPE` and `share@SOURCE`; this sends them: the dataset first where params.yaml has one, then a base that is
published along, then what rests on it. --dry-run says what would be sent and how that differs from what is there,
starts no server and changes nothing, here or there.

The token is the environment's HF_TOKEN: it is taken out of it at once, and goes on to the processes that speak with the
Hub and to nothing else, neither Prefect's server nor git or DVC.

Exit status: 0 all is on the Hub and was read back, 1 a gate, the Hub or the reading back refused, 2 bad use.
"""

import argparse
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import causes, dvc, git, past, pipeline, process, receipts, watch
from stages import params
from stages.refusal import Refusal

STAGES = {"dataset": "share@", "model": "publish@"}  # which makes the folder of a release
PROBES = "data/reports/probe"  # where stages.probe tells what a generator knows by heart
SAME = "same"  # of a base's revision: the tag of this very release

TOKEN: ContextVar[str | None] = ContextVar("HF_TOKEN", default=None)  # no argument: Prefect would keep it

Emit = Callable[[str], None]


class NotReady(Exception):
    """Nothing was sent; the text says what is in the way and what to do about it."""


TROUBLE = (NotReady, dvc.NoPipeline, git.GitFailed, Refusal)


@dataclass(frozen=True)
class Release:
    """A folder that is sent: of a recipe's model, or of a source's rows; and the commit at which the gate saw it."""

    kind: str
    name: str
    commit: str = ""

    @property
    def node(self) -> str:
        return f"{STAGES[self.kind]}{self.name}"


# --- the gate -------------------------------------------------------------------------------------------------------


def ordered(recipes: Iterable[str], settings: params.Params) -> list[Release]:
    """What is sent with these recipes: the rows they learnt from where those may leave, then bases, then what rests on
    them, so that every revision that a card or an adapter names is there before it."""
    found: list[Release] = []

    def add(recipe: str) -> None:
        wanted = params.entry(settings.publish, recipe, "publish")
        base = wanted.base_at
        if wanted.source in settings.datasets:
            found.append(Release("dataset", wanted.source))
        if base is not None and base.revision == SAME:
            add(next(one for one, other in settings.publish.items() if other.repo == base.repo and one != recipe))
        found.append(Release("model", recipe))

    for recipe in recipes:
        add(recipe)
    return sorted(dict.fromkeys(found), key=lambda one: one.kind != "dataset")  # a base stays before its adapter


def gate(recipes: Iterable[str], rollback: bool = False) -> list[Release]:
    """The releases in the order in which they are sent. Refuses what is not whole, committed and up to date.

    rollback: of one recipe alone, and what lies here does not matter, for nothing of it is sent.
    """
    settings = params.load()
    if rollback:
        for recipe in recipes:
            params.entry(settings.publish, recipe, "publish")
        return [Release("model", recipe) for recipe in recipes]
    releases = ordered(recipes, settings)
    edges = dvc.graph()
    chosen = dvc.select(edges, [one.node for one in releases])
    head = _committed()
    _current(edges, chosen, releases)
    return [replace(one, commit=head) for one in releases]


def _committed() -> str:
    """HEAD. A tag leads back to a commit: it must hold what is here, and a branch must hold it."""
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
    return head


def _current(edges: dvc.Graph, chosen: Iterable[str], releases: list[Release]) -> None:
    """What is sent has to be what the commit makes."""
    changed = dvc.stale(edges)
    if stale := [node for node in chosen if node in changed]:
        targets = " ".join(one.node for one in releases)
        raise NotReady(
            f"not up to date: {', '.join(stale[:5])}{' …' * (len(stale) > 5)}; "
            f"run `python -m flows.pipeline {targets}`, commit what it changed, then publish"
        )


# --- the flow -------------------------------------------------------------------------------------------------------


@task(task_run_name="{step} {release.name}", cache_policy=NO_CACHE)
def run(step: str, release: Release, words: list[str]) -> State:
    """One step by its own process; a failure's message is the refusal."""
    said = deque(maxlen=200)
    log = get_run_logger()

    def emit(line: str) -> None:
        log.info(line)
        said.append(line)

    status = process.run(_command(words), emit, threading.Event(), environment=_environment())
    if status:
        return Failed(message=causes.cause(list(said), status))
    return Completed(message=said[-1] if said else "")


@flow(name="publish")
def publish(recipes: tuple[str, ...], rollback: str | None = None) -> State:
    """Send and read back each release in turn; the first that is refused ends it."""
    done = []
    try:
        releases = gate(recipes, rollback=rollback is not None)
        told = [(one, steps(one, rollback)) for one in releases]
    except TROUBLE as error:
        return Failed(message=str(error))
    for one, todo in told:
        for step, words in todo:
            state = run(step, one, words, return_state=True)
            if not state.is_completed():
                left = f"; published before it: {', '.join(done)}" if done else ""
                return Failed(message=f"{step} {one.name}: {state.message}{left}")
        done.append(one.name)
    what = f"rolled back to {rollback}" if rollback is not None else "published"
    return Completed(message=f"{what} and read back: {', '.join(done)}")


def steps(one: Release, rollback: str | None, what: str = "send") -> list[tuple[str, list[str]]]:
    """(what it is called, the words of its command), in turn."""
    if rollback is not None:
        return [("roll back", ["rollback", one.kind, one.name, rollback, str(receipts.FOLDER / one.name), what])]
    then = past.here()
    folder = next((path for path, (node, _) in then.outs.items() if node == one.node), None)
    if folder is None:
        raise NotReady(f"{one.node} was never run: `python -m flows.pipeline {one.node}`, commit, then publish")
    receipt = receipts.path(one.name, f"git-{one.commit[:12]}")
    return [
        ("send", ["push", one.kind, one.name, folder, f"{PROBES}/{one.name}.json", what, one.commit]),
        ("read back", ["confirm", one.kind, one.name, folder, str(receipt), one.commit]),
    ]


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", f"stages.{words[0]}", *words[1:]]


def _environment() -> dict[str, str]:
    """Of a process that speaks with the Hub."""
    token = TOKEN.get()
    return process.inherited() | ({"HF_TOKEN": token} if token else {})


# --- the command line -----------------------------------------------------------------------------------------------


def foretell(recipes: tuple[str, ...], rollback: str | None, emit: Emit = print) -> int:
    """Print what would be sent; the exit status."""
    failed = 0
    for one in gate(recipes, rollback=rollback is not None):
        _, words = steps(one, rollback, "plan")[0]
        failed += process.run(_command(words), emit, threading.Event(), environment=_environment()) != 0
    return min(failed, 1)


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
    TOKEN.set(os.environ.pop("HF_TOKEN", "").strip())
    try:
        if words.dry_run:
            sys.exit(foretell(recipes, words.rollback))
        if not TOKEN.get():
            raise NotReady("no token of the Hub: export HF_TOKEN, with the right to write")
        gate(recipes, rollback=words.rollback is not None)  # before a server starts for nothing
        pipeline.expect_server()
        state = publish(recipes, words.rollback, return_state=True)
    except TROUBLE as error:
        sys.exit(str(error))
    except watch.LOST:  # a step under way has ended: it is not Prefect's
        how = "what was sent stays sent, and nothing is sent twice: run it again, and it goes on from there"
        pipeline.leave(f"{' '.join(recipes)}: {watch.silent()}; {how}", 1)
    except (KeyboardInterrupt, process.Stopped):
        sys.exit(128 + signal.SIGINT)
    print(state.message, file=sys.stdout if state.is_completed() else sys.stderr)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
