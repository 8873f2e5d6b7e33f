"""What has to be so before a retraining or a rollback is begun, and what to do where it is not."""

from pathlib import Path

from flows import audits, dvc, git, record, workspace
from stages import params

SHOWN = 5  # changed paths named in a message


def ready(recipe: str) -> tuple[params.Params, dict[str, record.Node]]:
    """The settings, and the nodes that evaluating `recipe` takes. Raises NotReady with all that is in the way."""
    settings = params.load()
    params.entry(settings.recipes, recipe, "recipes")
    problems = in_the_way(settings.retrain)
    edges = dvc.select(dvc.graph(), [f"evaluate@{recipe}"])
    nodes = {node: of for node, of in record.nodes().items() if node in edges}
    if git.inside() and f"evaluate@{recipe}" not in record.locked("HEAD"):
        problems.append(
            f"no champion of {recipe} in {record.LOCK} at HEAD: run `dvc repro evaluate@{recipe}` and commit it"
        )
    if lost := record.changed_outputs(set(nodes)):
        problems.append(
            f"outputs that {record.LOCK} does not know of would be lost: {some(lost)}; "
            "`dvc checkout` drops them, `dvc repro` and a commit keep them"
        )
    if alone := record.in_the_workspace_alone(nodes, record.locked("HEAD") if git.inside() else {}):
        problems.append(f"outputs that are not in DVC's cache would be lost: {some(alone)}; `dvc pull` or copy them")
    if problems:
        raise workspace.NotReady(listed(problems))
    return settings, nodes


def in_the_way(rules: params.Retrain) -> list[str]:
    """What forbids a commit here, each with what to do about it."""
    if not git.inside():
        return [f"no git repository with a commit around {Path.cwd()}: every model is to have its commit"]
    problems, on = [], git.branch()
    if on is None:
        problems.append(f"HEAD is detached at {git.head()[:10]}: `git switch {rules.branch or 'BRANCH'}`")
    elif rules.branch and on != rules.branch:
        problems.append(f"on branch {on}, and retrain.branch is {rules.branch}: `git switch {rules.branch}`")
    # The history of rebuilds grows by itself, and no retraining writes or commits it.
    if dirty := [path for path in git.changed() if not path.startswith(f"{audits.FOLDER}/")]:
        problems.append(f"the working tree is dirty: {some(dirty)}; commit or `git stash --include-untracked` it")
    if not git.knows_author(author(rules)):
        problems.append("no git identity: set retrain.author in params.yaml, or git's user.name and user.email")
    if rules.remote and rules.remote not in record.remotes():
        problems.append(
            f"no DVC remote {rules.remote!r} (retrain.remote); there are {', '.join(record.remotes()) or 'none'}: "
            f"`dvc remote add {rules.remote} ADDRESS`, or set retrain.remote: null"
        )
    if rules.push and rules.push not in git.git("remote").split():
        problems.append(f"no git remote {rules.push!r} (retrain.push): `git remote add {rules.push} ADDRESS`")
    return problems


def author(rules: params.Retrain) -> tuple[str, ...]:
    return git.identity(rules.author.name, rules.author.email) if rules.author else ()


def some(paths: list[str]) -> str:
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")


def listed(problems: list[str]) -> str:
    return problems[0] if len(problems) == 1 else "".join(["not ready:", *(f"\n  - {one}" for one in problems)])
