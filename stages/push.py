"""Send a published folder to its repository on the Hub: one commit, and one tag that names the code's commit.

Run by hand or by a flow, as `python -m stages.push NAME data/published/NAME`; no DVC stage, for what it makes lies
elsewhere. It wants a committed, clean tree, so that the tag leads back to everything the model was made from.

Reads   the published folder; HF_TOKEN; HF_ENDPOINT, where it is set
Writes  a commit of publish.<name>.repo and the tag git-<12 hex digits>
Params  publish.<name>, recipes.<name>
"""

import json
import os
from pathlib import Path

from stages import params, release
from stages.files import read_json
from stages.refusal import Refusal, run


def main(name: str, folder: str) -> None:
    settings = params.load()
    wanted = params.entry(settings.publish, name, "publish")
    commit = committed()
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        raise Refusal("a token of the Hub", "none", "environment: HF_TOKEN", "export HF_TOKEN, with the right to write")
    contents = {path.name: path for path in release.files(Path(folder), release.WRITTEN)}
    origin = read_json(contents["provenance.json"])
    if origin.get("recipe") != settings.recipes[name].model_dump(mode="json", by_alias=True):
        found = "a folder published from other settings"
        raise Refusal(f"what recipes.{name} says now", found, folder, f"dvc repro publish@{name}, then commit")
    origin |= {"git_commit": commit, "git_dirty": False, "dvc_lock_sha256": release.sha256("dvc.lock")}
    contents["provenance.json"] = (
        json.dumps(origin, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    ).encode()  # at publish the commit that holds its dvc.lock did not exist yet
    print(f"push {name}: {_safely(wanted, contents, f'git-{commit[:12]}', token)}")


def committed() -> str:
    """The commit of the working tree, which holds nothing uncommitted."""
    state = release.commit()
    if state["git_commit"] is None:
        raise Refusal("a git repository with a commit", "none", str(Path.cwd()), "git init, git add, git commit")
    if state["git_dirty"]:
        do = "commit or stash what `git status` lists, then push"
        raise Refusal("a clean working tree", f"changes on top of {state['git_commit'][:12]}", str(Path.cwd()), do)
    return state["git_commit"]


def send(api, wanted: params.Release, contents: dict[str, Path | bytes], tag: str) -> str:
    """Make the repository where it is missing, commit all of `contents` at once, tag; say what was done.

    Files of an earlier release that this one lacks go in the same commit: a stale adapter_config.json would make a
    whole model load as an adapter. Other files of the repository stay. A tag that is there already ends it at once.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api.whoami()  # a wrong token is told here, before anything is made
    api.create_repo(wanted.repo, private=wanted.private, exist_ok=True)
    info = api.repo_info(wanted.repo)
    if wanted.private and not info.private:
        do = "make it private, choose another repo, or write private: false"
        raise Refusal("a private repository", "a public one", f"{wanted.repo} on the Hub", do)
    if tag in {one.name for one in api.list_repo_refs(wanted.repo).tags}:
        return f"{wanted.repo} has {tag} already, nothing sent"
    stale = [path for path in api.list_repo_files(wanted.repo) if release.known(path) and path not in contents]
    done = api.create_commit(
        wanted.repo,
        [CommitOperationAdd(path, content) for path, content in contents.items()]
        + [CommitOperationDelete(path) for path in stale],
        commit_message=f"Publish {tag}",
        parent_commit=info.sha,
    )
    api.create_tag(wanted.repo, tag=tag, revision=done.oid, exist_ok=True)
    return f"{len(contents)} files → {wanted.repo} at {done.oid[:12]}, tag {tag}"


def _safely(wanted: params.Release, contents: dict, tag: str, token: str) -> str:
    """`send` through the real client, its errors told as refusals."""
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # read at import; with xet one publish can become several commits
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # the client's own, whichever release of it that is

    api = HfApi(token=token)
    try:
        return send(api, wanted, contents, tag)
    except (httpx.HTTPError, OfflineModeIsEnabled, RuntimeError, ValueError) as error:
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else None
        expected, do = TOLD.get(status, ("the Hub to take the release", "read what it said, mend it and push again"))
        if isinstance(cause, httpx.TransportError | OfflineModeIsEnabled):
            expected, do = "the Hub within reach", "connect, correct HF_ENDPOINT, or unset HF_HUB_OFFLINE; then push"
        found = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise Refusal(expected, found, f"{wanted.repo} at {api.endpoint}", do) from error


# HTTP status → what was expected of it, what to do.
TOLD = {
    401: ("a token that the Hub accepts", "make a token with the right to write and export it as HF_TOKEN"),
    403: ("the right to write there", "ask the repository's owner, or use a token with the right to write"),
    412: ("the repository as it was a moment ago", "somebody else committed to it: look at that, then push again"),
}


if __name__ == "__main__":
    run(main)
