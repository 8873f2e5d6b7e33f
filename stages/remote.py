"""A repository on the Hub as a release needs it: what it holds at a commit, one commit on top of a known one, a tag.

Composed of the client's own calls. A call that is lost tells nothing of its effect, so whoever uses this looks again
and goes on from what is there (`settled`).
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stages import params
from stages.contents import Contents, Part
from stages.refusal import Refusal

os.environ["HF_HUB_DISABLE_XET"] = "1"  # read at import; with xet one publish can become several commits
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    constants,
    set_client_factory,
)  # fmt: skip
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)  # fmt: skip
from huggingface_hub.utils import httpx  # the client's own, whichever release of it
from huggingface_hub.utils._http import default_client_factory

PATIENCE = 300  # seconds for one answer; the client alone would wait for ever
WAITS = (1, 2, 4, 8)  # seconds before looking again
LONGEST = 60  # seconds that a Retry-After is obeyed for
PASSING = {408, 429, 500, 502, 503, 504}
OVERTAKEN = {409, 412}  # somebody, perhaps this very run, has done it meanwhile: looking tells
Result = TypeVar("Result")


@dataclass(frozen=True)
class Kept:
    """A file as a tree names it. sha256: of a large one; blob: git's id, which says the same of the others."""

    size: int
    sha256: str | None
    blob: str

    def holds(self, part: Part) -> bool:
        return self.size == part.size and (self.sha256 == part.sha256 if self.sha256 else self.blob == part.blob)


Tree = dict[str, Kept]


def token(needed: bool = True) -> str | None:
    """The Hub's token, which comes from the environment and from nowhere else."""
    given = os.environ.get("HF_TOKEN", "").strip()
    if needed and not given:
        raise Refusal("a token of the Hub", "none", "environment: HF_TOKEN", "export HF_TOKEN, with the right to write")
    return given or None


def destination(settings: params.Params, kind: str, name: str) -> params.Release | params.Dataset:
    """Where a release goes, and who may see it there."""
    if kind not in ("model", "dataset"):
        raise Refusal("model or dataset", kind, "the first word", "say what is to be sent")
    if kind == "dataset":
        return params.entry(settings.datasets, name, "datasets")
    return params.entry(settings.publish, name, "publish")


class Remote:
    """One repository. kind: model or dataset."""

    def __init__(self, repo: str, kind: str, token: str | None):
        assert constants.HF_HUB_DISABLE_XET, "huggingface_hub was imported before stages.remote could set it"
        self.repo, self.kind = repo, kind
        self.api = HfApi(token=token or False)
        self._of = {"repo_id": repo, "repo_type": kind}
        set_client_factory(_patient)  # the client makes another session whenever one breaks

    def __str__(self) -> str:
        return f"{self.repo} at {self.api.endpoint}"

    def made(self, private: bool) -> None:
        """Make it where it is missing. A wrong token is told here, before anything is made."""
        self.api.whoami()
        self.api.create_repo(**self._of, private=private, exist_ok=True)

    def head(self, private: bool) -> str:
        """The commit of main. Refuses a repository that others can see where that is not wanted, or the reverse."""
        info = self.api.repo_info(**self._of)
        if info.private != private:
            words = {True: "a private repository", False: "a public repository"}
            do = f"change it on the Hub, choose another repo, or write private: {str(info.private).lower()}"
            raise Refusal(words[private], words[info.private], str(self), do)
        return info.sha

    def there(self, revision: str | None = None) -> bool:
        try:
            self.api.repo_info(**self._of, revision=revision)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return False
        return True

    def tags(self) -> dict[str, str]:
        """name → commit."""
        return {one.name: one.target_commit for one in self.api.list_repo_refs(**self._of).tags}

    def commits(self) -> list[tuple[str, str]]:
        """(commit, title) of main, the newest first."""
        return [(one.commit_id, one.title) for one in self.api.list_repo_commits(**self._of)]

    def tree(self, commit: str) -> Tree:
        found = self.api.list_repo_tree(**self._of, revision=commit, recursive=True)
        return {one.path: Kept(one.size, one.lfs and one.lfs.sha256, one.blob_id)
                for one in found if hasattr(one, "blob_id")}  # fmt: skip

    def file(self, path: str, commit: str) -> bytes | None:
        """A small file; None where the commit has none."""
        with tempfile.TemporaryDirectory(prefix="hub-") as scratch:
            try:
                found = self.api.hf_hub_download(**self._of, filename=path, revision=commit, local_dir=scratch)
            except RemoteEntryNotFoundError:
                return None
            return Path(found).read_bytes()

    def download(self, paths: list[str], revision: str, folder: Path) -> None:
        self.api.snapshot_download(**self._of, revision=revision, local_dir=folder, allow_patterns=paths, max_workers=4)

    def commit(self, contents: Contents, gone: list[str], title: str, parent: str) -> str:
        """One commit on top of `parent`, and of nothing else; its id."""
        changes = [CommitOperationAdd(path, one.source) for path, one in contents.items()]
        return self._commit([*changes, *map(CommitOperationDelete, gone)], title, parent)

    def restore(self, paths: list[str], of: str, gone: list[str], title: str, parent: str) -> str:
        """The same with files as an earlier commit has them. Of large ones only the hash travels."""
        changes = [CommitOperationCopy(path, path, src_revision=of) for path in paths]
        return self._commit([*changes, *map(CommitOperationDelete, gone)], title, parent)

    def tag(self, name: str, commit: str) -> None:
        self.api.create_tag(**self._of, tag=name, revision=commit)

    def _commit(self, changes: list, title: str, parent: str) -> str:
        return self.api.create_commit(
            **self._of, operations=changes, commit_message=title, parent_commit=parent, num_threads=4
        ).oid


def _patient() -> httpx.Client:
    client = default_client_factory()
    client.timeout = httpx.Timeout(PATIENCE)
    return client


def settled(remote: Remote, attempt: Callable[[], Result], emit: Callable[[str], None] = print) -> Result:
    """Do `attempt`, which looks before it acts, until it ends; what does not pass by itself becomes a refusal."""
    for wait in (*WAITS, None):
        try:
            return attempt()
        except (httpx.HTTPError, OfflineModeIsEnabled, RuntimeError, ValueError, OSError) as error:
            cause = faulty(error)
            if cause is None and isinstance(error, OSError):  # the disk, not the network
                raise
            cause = cause or error
            status = cause.response.status_code if getattr(cause, "response", None) is not None else None
            heals = isinstance(cause, httpx.TransportError) or status in PASSING | OVERTAKEN
            if wait is None or not heals:
                raise told(cause, status, remote) from error
            asked = cause.response.headers.get("Retry-After", "") if status else ""
            emit(f"{_first(cause)}: looking again")
            time.sleep(min(int(asked), LONGEST) if asked.isdigit() else wait)


def faulty(error: BaseException | None) -> Exception | None:
    """What the network or the Hub said, behind what the client made of it."""
    found = None
    while error is not None:
        if isinstance(error, httpx.TransportError | OfflineModeIsEnabled | HfHubHTTPError):
            found = error
            if isinstance(error, httpx.TransportError) or getattr(error, "response", None) is not None:
                return error
        error = error.__cause__ or error.__context__
    return found


def told(cause: Exception, status: int | None, remote: Remote) -> Refusal:
    expected, do = TOLD.get(status, ("the Hub to take the release", "read what it said, mend it and publish again"))
    if isinstance(cause, httpx.TransportError | OfflineModeIsEnabled):
        expected, do = "the Hub within reach", "connect, correct HF_ENDPOINT, or unset HF_HUB_OFFLINE; publish again"
    return Refusal(expected, _first(cause), str(remote), do)


def overtaken(remote: Remote, was: str, now: str) -> Refusal:
    expected, do = TOLD[412]
    return Refusal(expected, f"main moved from {was[:12]} to {now[:12]}", str(remote), do)


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


# HTTP status → what was expected of it, what to do.
TOLD = {
    401: ("a token that the Hub accepts", "make a token with the right to write and export it as HF_TOKEN"),
    403: ("the right to write there", "ask the repository's owner, or use a token with the right to write"),
    412: ("the repository as it was a moment ago", "somebody else committed to it: look at that, then publish again"),
}
