"""What stages.remote and its users count on, asked of a Hub by the real client: `python contract.py NAMESPACE`.

Each check prints a line, {check: what was found}; two repositories are made for them and deleted in the end. The Hub
is the one at HF_ENDPOINT, the token the environment's.
"""

import json
import sys
import tempfile
import uuid
from pathlib import Path

from stages.contents import Part
from stages.remote import CommitOperationAdd, CommitOperationDelete, HfApi, HfHubHTTPError, Remote, token

WEIGHTS = b"\x02\0\0\0\0\0\0\0{}" + uuid.uuid4().bytes
FILES = {"README.md": Part(b"---\nlicense: apache-2.0\n---\n# A test\n"), "config.json": Part(b"{}\n"),
         "model.safetensors": Part(WEIGHTS)}  # fmt: skip


def status(call) -> int:
    """The status that a call is refused with; 0 where it is not."""
    try:
        call()
    except HfHubHTTPError as error:
        return error.response.status_code
    return 0


def checks(remote: Remote):
    api, of = remote.api, {"repo_id": remote.repo, "repo_type": remote.kind}
    remote.made(private=True)
    yield "made anew is private", api.repo_info(**of).private
    first = remote.head(private=True)
    remote.made(private=True)
    yield "made again is as it was", remote.head(private=True) == first
    yield "a new one has .gitattributes alone", sorted(remote.tree(first))
    yield "hidden from a stranger", status(lambda: HfApi(token=False).repo_info(**of)) in (401, 404)

    made = remote.commit(FILES, [], "Publish git-0123456789ab", first)
    tree = remote.tree(made)
    yield "head is the commit's answer", remote.head(private=True) == made
    yield "the tree has the bytes", {path: tree[path].holds(part) for path, part in FILES.items()}
    yield (
        "weights lie in LFS, settings in git",
        [bool(tree[path].sha256) for path in ("model.safetensors", "config.json")],
    )
    yield "titles, the newest first", [title for _, title in remote.commits()][:1]
    same = [CommitOperationAdd(path, part.source) for path, part in FILES.items()]
    again = api.create_commit(**of, operations=same, commit_message="nothing new", parent_commit=made)
    yield "the same files make no commit", again.oid == made == remote.head(private=True)
    stale = [CommitOperationAdd("config.json", b"[]\n")]
    yield (
        "a stale parent",
        status(lambda: api.create_commit(**of, operations=stale, commit_message="late", parent_commit=first)),
    )
    yield (
        "what is not there cannot be deleted",
        status(lambda: api.create_commit(**of, operations=[CommitOperationDelete("none")], commit_message="x")),
    )

    remote.tag("git-0123456789ab", made)
    yield "a tag names its commit", remote.tags() == {"git-0123456789ab": made}
    yield "a tag again at its commit", status(lambda: remote.tag("git-0123456789ab", made))
    yield "a tag again elsewhere", status(lambda: remote.tag("git-0123456789ab", first))
    yield "and it has not moved", remote.tags() == {"git-0123456789ab": made}

    other = {"config.json": Part(b'{"other": 1}\n'), "model.safetensors": Part(WEIGHTS + b"more")}
    second = remote.commit(other, ["README.md"], "Publish git-1123456789ab", made)
    yield "deleted with the same commit", sorted(remote.tree(second))
    back = remote.restore([*FILES], made, [], "Roll back", second)
    yield "copied from an earlier commit", {path: remote.tree(back)[path] == tree[path] for path in FILES}
    yield "a file at a commit", remote.file("config.json", second) == other["config.json"].source
    yield "no such file", remote.file("none.json", second)
    with tempfile.TemporaryDirectory() as folder:
        remote.download([*FILES], "git-0123456789ab", Path(folder))
        yield (
            "downloaded by tag",
            {path: Path(folder, path).read_bytes() == part.source for path, part in FILES.items()},
        )


namespace = sys.argv[1]
for kind in ("model", "dataset"):
    remote = Remote(f"{namespace}/contract-{uuid.uuid4().hex[:8]}", kind, token())
    try:
        for name, found in checks(remote):
            print(json.dumps({f"{kind}: {name}": found}), flush=True)
    finally:
        remote.api.delete_repo(remote.repo, repo_type=kind, missing_ok=True)
        print(json.dumps({f"{kind}: deleted": not remote.there()}), flush=True)
