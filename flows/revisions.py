"""Which commit is meant, and which of its nodes are built again."""

import json
import os
import re
from graphlib import TopologicalSorter
from pathlib import Path

from flows import environment, git, past

PUBLISHED = re.compile(r"([\w.-]+/[\w.-]+)@([\w./-]+)")


class Unknown(Exception):
    """No such commit, nothing recorded in it, or no such recipe; the text says which there are."""


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
