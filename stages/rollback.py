"""Make main of a repository on the Hub what it was at an earlier tag: forward, by one more commit, and nothing moves.

Run by hand or by flows.publish, as `python -m stages.rollback KIND NAME TAG RECEIPTS [plan]`. Of large files only the
hash travels, from one commit of the Hub to the next. The new commit gets a tag too, named after the commit it takes
back, and is read back: every file of the release by its sha256 and size in the manifest of that release.

Reads   the repository; HF_TOKEN; HF_ENDPOINT, where it is set
Writes  a commit of the repository, the tag rollback-<12 hex digits>, RECEIPTS/<that tag>.json
Params  publish.<name> or datasets.<name>

Bytes are compared, with that manifest; no model is opened here. That stages.confirm does, after a publish.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from stages import params, release
from stages.contents import Part, manifest
from stages.files import write_json
from stages.refusal import Refusal, run
from stages.remote import Remote, Tree, destination, overtaken, settled, token
from stages.sending import MANIFEST, ORIGIN


def main(kind: str, name: str, tag: str, receipts: str, what: str = "send") -> None:
    if what not in ("send", "plan"):
        raise Refusal("send or plan", what, "the last word", "leave it out to send")
    wanted = destination(params.load(), kind, name)
    remote = Remote(wanted.repo, kind, token(needed=what == "send"))
    if what == "plan":
        return print(
            "\n".join([f"rollback {name}: would send", *settled(remote, lambda: plan(remote, tag, wanted.private))])
        )
    made, commit = restored(remote, tag, wanted.private)
    told = confirmed(remote, tag, made, commit)
    write_json(Path(receipts) / f"{made}.json", told | {
        "recipe": name, "repo": wanted.repo, "kind": kind, "endpoint": remote.api.endpoint, "tag": made,
        "commit": commit, "private": wanted.private, "restores": tag, "example": None,
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    })  # fmt: skip
    print(f"rollback {name}: main of {wanted.repo} is {tag} again, at {commit[:12]}, tag {made}")


def restored(remote: Remote, tag: str, private: bool) -> tuple[str, str]:
    """Bring main back to a tag's release, whatever of it is done already; the new tag and the commit it names."""
    seen: list[str] = []

    def attempt() -> tuple[str, str]:
        head, commit = remote.head(private), target(remote, tag)
        tags, old, now = remote.tags(), whole(remote, tag, commit), remote.tree(head)
        if not (differing := changes(remote, old, now, commit, head)):
            title, made = next(_earlier(remote, tag, old, commit), (None, None))
            if made is None:
                do = "nothing is to be taken back"
                raise Refusal(f"another release than {tag} on main", "that very one", f"{remote}, {head[:12]}", do)
        else:
            seen.append(head)
            if head != seen[0]:
                raise overtaken(remote, seen[0], head)
            title, gone = _title(tag, head), [path for what, path in differing if what == "deleted"]
            made = remote.restore([path for _, path in differing if path not in gone], commit, gone, title, head)
            if changes(remote, old, remote.tree(made), commit, made):
                do = "look at that commit; nothing points to it but main"
                raise Refusal(f"the release of {tag} whole", f"another tree in {made[:12]}", str(remote), do)
        name = f"rollback-{title[-12:]}"
        if tags.get(name, made) != made:
            raise Refusal(f"{name} at {made[:12]}", f"at {tags[name][:12]}", str(remote), "a tag is never moved")
        if name not in tags:
            remote.tag(name, made)
        return name, made

    return settled(remote, attempt)


def _earlier(remote: Remote, tag: str, old: Tree, commit: str) -> Iterator[tuple[str, str]]:
    """(title, commit) of rollbacks to the tag whose release is still whole, the newest first."""
    title = re.compile(rf"Roll back to {re.escape(tag)} from [0-9a-f]{{12}}")
    for one, told in remote.commits():
        if title.fullmatch(told) and not changes(remote, old, remote.tree(one), commit, one):
            yield told, one


def target(remote: Remote, tag: str) -> str:
    """The commit of a tag that a publish set, or a rollback."""
    tags = remote.tags()
    if tag not in tags:
        known = ", ".join(sorted(tags)) or "none"
        raise Refusal(f"one of its tags: {known}", tag, str(remote), "name the release to go back to")
    return tags[tag]


def whole(remote: Remote, tag: str, commit: str) -> Tree:
    """The tree of a tag's commit. Refuses one that holds no release: to go back to it would empty main."""
    tree = remote.tree(commit)
    if not {MANIFEST, ORIGIN} <= tree.keys():
        do = "name a tag that a publish or a rollback set"
        raise Refusal(f"a release, with its {MANIFEST} and {ORIGIN}", f"none at {tag}", f"{remote}, {commit[:12]}", do)
    return tree


def changes(remote: Remote, old: Tree, now: Tree, commit: str, head: str) -> list[tuple[str, str]]:
    """(what, path) of each file that a rollback touches: the old release's, and those of the present one that it lacks.

    Other files of the repository stay as they are.
    """
    files = _files(remote, old, commit)
    gone = sorted(set(_files(remote, now, head)) - set(files))
    found = [("new" if path not in now else "changed", path) for path in files if now.get(path) != old[path]]
    return [*found, *(("deleted", path) for path in gone)]


def plan(remote: Remote, tag: str, private: bool) -> list[str]:
    head, commit = remote.head(private), target(remote, tag)
    old, now = whole(remote, tag, commit), remote.tree(head)
    lines = [f"  {what:8} {(old.get(path) or now[path]).size:>13,}  {path}"
             for what, path in changes(remote, old, now, commit, head)]  # fmt: skip
    said = f"one commit on top of it, tag rollback-{head[:12]}" if lines else f"it has the files of {tag}: nothing"
    return [f"  to   {remote}, back to {tag} at {commit[:12]}", *lines, f"  head {head[:12]}: {said}"]


def confirmed(remote: Remote, tag: str, made: str, commit: str) -> dict:
    """What was read back of the new tag: its files are those that the manifest of the release names."""
    tree = settled(remote, lambda: remote.tree(made))
    files = settled(remote, lambda: _files(remote, tree, commit))
    with tempfile.TemporaryDirectory(prefix="read-back-") as scratch:
        settled(remote, lambda: remote.download(files, made, Path(scratch)))
        fetched = {path: Part(Path(scratch) / path) for path in files}
        wrong = [path for path, part in fetched.items() if not tree[path].holds(part)]
        told = manifest(fetched)
        named = json.loads(fetched[MANIFEST].source.read_text("utf-8"))
        wrong += [path for path in named.keys() | told.keys() if named.get(path) != told.get(path)]
        if wrong:
            do = "nothing vouches for that rollback: look at it on the Hub, then run it again"
            raise Refusal("the files that its manifest names", f"others: {', '.join(sorted(set(wrong)))}",
                          f"{remote}, {made}", do)  # fmt: skip
        origin = json.loads(fetched[ORIGIN].source.read_text("utf-8"))
    return {"files": told, "git_commit": origin.get("git_commit")}


def _files(remote: Remote, tree: Tree, commit: str) -> list[str]:
    """The files of a tree that are a release's: known by name, or named by its manifest."""
    told = remote.file(MANIFEST, commit) if MANIFEST in tree else None
    named = json.loads(told) if told else {}
    return sorted(path for path in tree if release.known(path) or path in named or path == MANIFEST)


def _title(tag: str, head: str) -> str:
    return f"Roll back to {tag} from {head[:12]}"


if __name__ == "__main__":
    run(main)
