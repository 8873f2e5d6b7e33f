"""One recipe trained anew on what its sources have now; the new model takes the old one's place only if it is better.

`python -m flows.retrain RECIPE [--dry-run]`: collect, clean, validate, enrich; stop where nothing has drifted;
tokenize, train, predict, evaluate; champion and challenger on the same test rows; then one commit, or all as before.
`python -m flows.retrain --rollback [RECIPE]` commits the former champion's dvc.lock and reports again.

The champion of a recipe is what dvc.lock at HEAD says of it. What it takes stands in params.yaml under `retrain`.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed

from flows import (
    causes,
    champion,
    dvc,
    git,
    pipeline,
    process,
    promotions,
    readiness,
    record,
    recover,
    torn,
    watch,
    workspace,
)
from stages import params
from stages.refusal import Refusal

COLLECTS = "collect@"

Emit = Callable[[str], None]


class Failure(Exception):
    """The run cannot go on; the workspace is put back, and the text says why."""


TROUBLE = (workspace.NotReady, dvc.NoPipeline, git.GitFailed, champion.NoContest, record.Unknown, Refusal)


# --- the steps ------------------------------------------------------------------------------------------------------


@task(task_run_name="{node}", cache_policy=NO_CACHE, retries=3, retry_delay_seconds=[1, 4, 16],
      retry_condition_fn=pipeline.heals)  # fmt: skip
def collect(node: str, stop: threading.Event) -> State:
    """Ask a source for its rows though nothing here has changed: its state lies outside of DVC's sight."""
    try:
        dvc.reproduce(node, get_run_logger().info, stop, force=True)
    except dvc.NodeFailed as failure:
        return Failed(name=pipeline.named(failure), message=f"{node} failed:\n{failure}")
    torn.keep()
    return Completed()


@task(cache_policy=NO_CACHE)
def drifted(recipe: str, table: str, snapshot: str, stop: threading.Event, remote: str | None) -> dict:
    """What stages.drift says of `table` against the champion's training snapshot, given by its md5."""
    with scratch() as folder:
        record.lay(snapshot, folder / "snapshot.parquet", remote)
        return _asked("stages.drift", [recipe, table, str(folder / "snapshot.parquet")], folder, stop)


@task(cache_policy=NO_CACHE)
def contest(
    recipe: str, lock: dict, nodes: dict[str, record.Node], table: str, snapshot: str, stop: threading.Event,
    remote: str | None,
) -> dict:  # fmt: skip
    """What stages.challenge says of the new model against the champion, which is asked again for this."""
    log = get_run_logger()
    (answers,), (scores,) = (nodes[f"{stage}@{recipe}"].kept for stage in ("predict", "evaluate"))
    (report,) = nodes[f"evaluate@{recipe}"].settled
    with scratch() as folder:
        theirs = champion.answer(recipe, lock, nodes, folder / "champion", log.info, stop, remote)
        record.lay(snapshot, folder / "snapshot.parquet", remote)
        words = [recipe, answers, scores, str(theirs), report, table, str(folder / "snapshot.parquet")]
        return _asked("stages.challenge", words, folder, stop)


def scratch() -> tempfile.TemporaryDirectory:
    """A folder beside DVC's own temporary files, as a path, gone in the end."""
    workspace.TMP.mkdir(parents=True, exist_ok=True)
    return _Folder(prefix="retrain-", dir=workspace.TMP.resolve())


class _Folder(tempfile.TemporaryDirectory):
    def __enter__(self) -> Path:
        return Path(super().__enter__())


def _asked(module: str, words: list[str], folder: Path, stop: threading.Event) -> dict:
    """The report of a stage that stands in no graph, run as a process."""
    report, lines = folder / "report.json", []
    log = get_run_logger()
    status = process.run(
        [sys.executable, "-m", module, *words, str(report)], lambda line: lines.append(line) or log.info(line), stop
    )
    if status:
        raise Failure(f"{module} failed:\n" + "\n".join(lines[-causes.TAIL :]))
    return json.loads(report.read_text("utf-8"))


@task(cache_policy=NO_CACHE)
def accept(recipe: str, nodes: dict[str, record.Node], verdict: dict, drift: dict, rules: params.Retrain,
           before: str, stop: threading.Event) -> str:  # fmt: skip
    """Commit dvc.lock and the reports of the new model; the commit. Its data goes to the remote before that."""
    log = get_run_logger()
    if git.head() != before:
        raise Failure(f"HEAD moved from {before[:10]} to {git.head()[:10]} while the model was trained: run it again")
    if rules.remote:  # before the commit, so that no commit names a model that nobody else can get
        pushed(rules.remote, nodes, log.info, stop)
    first = rules.message.format(
        recipe=recipe, metric=verdict["metric"], before=verdict["champion"], after=verdict["challenger"],
        rows=verdict["rows"],
    )  # fmt: skip
    stale = sorted(dvc.stale(dvc.graph()) - nodes.keys())
    body = [f"Trained since {drift['reason']}.", f"Promoted as {verdict['reason']}."]
    if stale:
        body.append(f"Not rebuilt, and stale in this commit: {', '.join(stale)}.")
    trailers = f"{promotions.TRAILER}: promoted {recipe}\nReviewmill-Former: {before}"
    paths = [path for path in git.changed() if path in workspace.made(nodes)]
    return git.commit(paths, "\n\n".join([first, *body, trailers]) + "\n", readiness.author(rules))


def pushed(remote: str, nodes: dict[str, record.Node], emit: Emit, stop: threading.Event) -> None:
    """What the nodes keep in DVC's cache, on the remote too."""
    lines = []
    command = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "push", "--remote", remote, *nodes]
    if process.run(command, lambda line: lines.append(line) or emit(line), stop):
        raise Failure(
            f"`dvc push --remote {remote}` failed, so nothing was committed:\n" + "\n".join(lines[-causes.TAIL :])
        )


# --- the flow -------------------------------------------------------------------------------------------------------


@flow(name="retrain", flow_run_name="retrain-{recipe}")
def retrain(recipe: str) -> State:
    """Train `recipe` anew where that may pay. Ends as Promoted, Refused or Skipped, or Failed with its cause."""
    log = get_run_logger()
    try:
        with workspace.held(f"retrain {recipe}"):
            recover.first(log.info)
            workspace.recover(log.info)
            settings, nodes = readiness.ready(recipe)
            return _run(recipe, settings, nodes)
    except TROUBLE as error:
        return Failed(message=str(error))


def _run(recipe: str, settings: params.Params, nodes: dict[str, record.Node]) -> State:
    log, stop, before = get_run_logger(), threading.Event(), git.head()
    lock, source = record.locked(before), settings.recipes[recipe].rows.source
    with scratch() as folder:
        snapshot = champion.snapshot(recipe, source, lock, nodes)
        champion.held(recipe, snapshot, lock, nodes, folder, settings.retrain.remote)
    workspace.begin(nodes)
    try:
        name, reason = _decided(recipe, settings, nodes, before, stop)
    except BaseException as error:  # Ctrl-C, SIGTERM and a cancelled run too: the workspace is put back first
        stop.set()
        _restored(nodes, log.info)
        if isinstance(error, Failure | champion.NoContest | record.Unknown | git.GitFailed):
            return Failed(message=f"{error}\nThe workspace is as it was; the champion stays.")
        raise
    if name == "Promoted":
        workspace.end()
    else:
        _restored(nodes, log.info)
    told(recipe, name, reason)
    log.info("%s %s: %s", recipe, name.lower(), reason)
    if name == "Promoted" and settings.retrain.push:
        git.git("push", settings.retrain.push, git.branch())  # never with force: a refused push stays refused
    return Completed(name=name, message=reason)


def _restored(nodes: dict[str, record.Node], emit: Emit) -> None:
    workspace.restore(sorted(nodes), workspace.made(nodes), emit)
    workspace.end()


def _decided(
    recipe: str, settings: params.Params, nodes: dict[str, record.Node], before: str, stop: threading.Event
) -> tuple[str, str]:
    """How the run ends, Promoted with its commit made, and why in words."""
    log, rules, source = get_run_logger(), settings.retrain, settings.recipes[recipe].rows.source
    lock = record.locked(before)
    snapshot = champion.snapshot(recipe, source, lock, nodes)
    for node in nodes:
        if node.startswith(COLLECTS):
            state = collect(node, stop, return_state=True)
            if not state.is_completed():
                raise Failure(state.message)
    _reproduced(f"enrich@{source}")
    (table,) = nodes[f"enrich@{source}"].kept
    drift = drifted(recipe, table, snapshot, stop, rules.remote)
    if not drift["train"]:
        return "Skipped", drift["reason"]
    _reproduced(f"evaluate@{recipe}")
    model, *_ = nodes[f"train@{recipe}"].kept
    new, old = (record.md5s(of[f"train@{recipe}"]["outs"]).get(model) for of in (record.locked(), lock))
    if new == old:
        return "Refused", f"training gave the champion's own bytes again; trained since {drift['reason']}"
    if undone := promotions.rolled_back(recipe, model, new):
        return "Refused", f"this very model was rolled back in {undone[:10]}; trained since {drift['reason']}"
    verdict = contest(recipe, lock, nodes, table, snapshot, stop, rules.remote)
    if not verdict["promoted"]:
        return "Refused", verdict["reason"]
    commit = accept(recipe, nodes, verdict, drift, rules, before, stop)
    log.info("%s is committed as %s", recipe, commit)
    return "Promoted", f"{verdict['reason']} (commit {commit[:10]})"


def _reproduced(node: str) -> None:
    state = pipeline.pipeline((node,), return_state=True)
    if not state.is_completed():
        raise Failure(f"{node} could not be brought up to date: {state.message}")


def told(recipe: str, name: str, reason: str) -> None:
    """The outcome as a Prefect event, which automations turn into messages to people."""
    resource = {"prefect.resource.id": "reviewmill.retrain", "prefect.resource.name": recipe}
    emit_event(f"reviewmill.retrain.{name.lower()}", resource, payload={"recipe": recipe, "reason": reason})


# --- the command line -----------------------------------------------------------------------------------------------


def plan(recipe: str, settings: params.Params, nodes: dict[str, record.Node]) -> str:
    """What a run would do, in words."""
    source, lock = settings.recipes[recipe].rows.source, record.locked("HEAD")
    md5 = champion.snapshot(recipe, source, lock, nodes)
    with scratch() as folder:
        try:
            record.lay(md5, folder / "snapshot.parquet", settings.retrain.remote)
            had = "can be had"
        except record.Unknown as error:
            had = str(error)
    (table,) = nodes[f"enrich@{source}"].kept
    return "\n".join([
        f"champion of {recipe}: {record.LOCK} at {git.head()[:10]} on {git.branch()}",
        f"its training snapshot: {table}, md5 {md5}: {had}",
        f"collected anew: {', '.join(node for node in nodes if node.startswith(COLLECTS))}",
        f"brought up to date if drifted: {', '.join(node for node in nodes if not node.startswith(COLLECTS))}",
        f"promoted if better by more than {settings.retrain.margin:g}, in no rating worse by more than "
        f"{settings.retrain.tolerance:g}; committed on {git.branch()}",
        "nothing was changed",
    ])  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """The command line. Exit status 0 however the contest ended, 1 when it could not be held."""
    parser = argparse.ArgumentParser(prog="python -m flows.retrain", description="Train a recipe anew where it pays.")
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="a recipe of params.yaml that has a champion")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    parser.add_argument("--rollback", action="store_true", help="back to the champion before the last promotion")
    words = parser.parse_args(argv)
    if not words.recipe and not words.rollback:
        parser.error("which RECIPE?")
    pipeline.exit_on_signals()
    try:
        with workspace.held(f"{'rollback' if words.rollback else 'retrain'} {words.recipe or ''}".strip()):
            recover.first(print)
            workspace.recover(print)
            if words.rollback:
                undone = promotions.rollback(words.recipe, print)
                print(f"rolled back {undone[:10]}; `git show` says what is in place again")
                return
            settings, nodes = readiness.ready(words.recipe)  # before a server is started for nothing
            if words.dry_run:
                print(plan(words.recipe, settings, nodes))
                return
        pipeline.expect_server()
        before = git.head()
        state = retrain(words.recipe, return_state=True)
    except TROUBLE as error:
        sys.exit(str(error))
    except watch.LOST:  # the flow has put everything back by now, or made its commit
        after = git.head()
        how = "the champion stays and all is as it was: run it again" if after == before else f"{after[:10]} was made"
        pipeline.leave(f"{words.recipe}: {watch.silent()}; {how}", 1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    print(f"{words.recipe} {state.name.lower()}: {state.message}", file=sys.stderr if state.is_failed() else sys.stdout)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
