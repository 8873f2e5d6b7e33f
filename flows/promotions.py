"""The promotions that git's history tells of, and the way back to the champion before one."""

from collections.abc import Callable
from pathlib import Path

from flows import dvc, git, readiness, record, workspace
from stages import params

TRAILER = "Reviewmill-Retrain"  # of the commits of both

Emit = Callable[[str], None]


def told() -> list[tuple[str, str]]:
    """(commit, what its trailer says) of every promotion and rollback on this branch, the newest first."""
    form = f"%H%x00%(trailers:key={TRAILER},valueonly,separator=%x20)"
    rows = (line.split("\0") for line in git.git("log", f"--format={form}", f"--grep=^{TRAILER}:").splitlines())
    return [(commit, said.strip()) for commit, said in rows if said.strip()]


def rolled_back(recipe: str, model: str, md5: str) -> str | None:
    """The rollback that undid a promotion of exactly this model; None where none did."""
    for commit, said in told():
        word, _, undone = said.partition(" ")
        if word == "rolled-back":
            was = record.locked(undone).get(f"train@{recipe}", {}).get("outs", [])
            if record.md5s(was).get(model) == md5:
                return commit
    return None


def rollback(recipe: str | None, emit: Emit) -> str:
    """Commit dvc.lock and reports as they were before the newest promotion that still stands; that promotion."""
    rules = params.load().retrain
    if problems := readiness.in_the_way(rules):
        raise workspace.NotReady(readiness.listed(problems))
    history = told()
    undone = {said.partition(" ")[2] for _, said in history if said.startswith("rolled-back ")}
    standing = [
        (commit, said.partition(" ")[2])
        for commit, said in history
        if said.startswith("promoted ") and commit not in undone and recipe in (None, said.partition(" ")[2])
    ]
    if not standing:
        raise workspace.NotReady(f"no promotion{f' of {recipe}' if recipe else ''} on {git.branch()} to roll back")
    commit, whose = standing[0]
    paths = [
        path for path in git.git("diff", "--name-only", "-z", "--relative", f"{commit}^", commit).split("\0") if path
    ]
    if later := git.git("diff", "--name-only", "--relative", commit, "HEAD", "--", *paths).split():
        raise workspace.NotReady(
            f"{readiness.some(later)} changed since the promotion {commit[:10]}, and that would be lost: "
            f"`git revert {commit[:10]}` merges by hand, then `dvc checkout`"
        )
    edges = dvc.select(dvc.graph(), [f"evaluate@{whose}"])
    nodes = {node: of for node, of in record.nodes().items() if node in edges}
    if lost := record.changed_outputs(set(nodes)):
        raise workspace.NotReady(f"outputs that {record.LOCK} does not know of would be lost: {readiness.some(lost)}")
    workspace.begin(nodes)
    try:
        workspace.restore(sorted(nodes), paths, emit, f"{commit}^")
        if gone := [node for node in nodes if not all(Path(path).exists() for path in nodes[node].kept)]:
            raise workspace.NotReady(
                f"outputs of {readiness.some(sorted(gone))} before {commit[:10]} are neither in DVC's cache nor to be "
                "had here: `git worktree` that commit's parent and `dvc pull` or `dvc repro` there first"
            )
        message = f"Roll back {whose} to the champion before {commit[:10]}\n\n{TRAILER}: rolled-back {commit}\n"
        git.commit(paths, message, readiness.author(rules))
    except BaseException:
        workspace.restore(sorted(nodes), workspace.made(nodes), emit)
        workspace.end()
        raise
    workspace.end()
    return commit
