"""Send a published folder to its repository on the Hub: one commit, and one tag that names the code's commit.

Run by hand or by flows.publish, as `python -m stages.push KIND NAME FOLDER PROBE [plan|send [COMMIT]]`, with KIND
model or dataset; no DVC stage, for what it makes lies elsewhere. It wants a committed, clean tree, so that the tag
leads back to everything the release was made from. With `plan` it says what it would do and changes nothing.

Reads   the published folder; the report of stages.probe on a generator; HF_TOKEN; HF_ENDPOINT, where it is set
Writes  a commit of the repository that params.yaml names, and the tag git-<12 hex digits>
Params  publish.<name> and recipes.<name>, or datasets.<name>

The tag never moves and stands only at a commit that holds the whole release. What is there already is found by its
content, so a run that was killed, or did not hear the Hub's answer, goes on where it stopped: a release has one commit.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stages import contents, params, release, sending
from stages.contents import STAMPED, Contents
from stages.files import read_json
from stages.refusal import Refusal, run
from stages.remote import Remote, Tree, destination, overtaken, settled, token


@dataclass(frozen=True)
class Sending:
    """A release under way. laid: its files as they lie here; stamp: what the working tree says of itself; rests: on a
    base that was published, at base_at."""

    remote: Remote
    laid: Contents
    stamp: dict
    private: bool
    rests: bool = False

    @property
    def tag(self) -> str:
        return contents.tag(self.stamp)

    @cached_property
    def wanted(self) -> Contents:
        return contents.stamped(self.laid, self.stamp)


def main(kind: str, name: str, folder: str, probe: str, what: str = "send", at: str = "") -> None:
    if what not in ("send", "plan"):
        raise Refusal("send or plan", what, "the last word", "leave it out to send")
    settings = params.load()
    wanted = destination(settings, kind, name)
    stamp, given = contents.committed(at), token(needed=what == "send")
    laid = contents.whole(Path(folder), kind)
    if kind == "model":
        own = settings.recipes[name].model_dump(mode="json", by_alias=True)
        if read_json(laid[sending.ORIGIN].source).get("recipe") != own:
            found = "a folder published from other settings"
            raise Refusal(f"what recipes.{name} says now", found, folder, f"dvc repro publish@{name}, then commit")
        sending.cleared(Path(folder), Path(probe))
    remote = Remote(wanted.repo, kind, given)
    rests = release.ADAPTER in laid and getattr(wanted, "base_at", None) is not None
    one = Sending(remote, laid, stamp, wanted.private, rests)
    if what == "plan":
        print("\n".join([f"push {name}: would send", *settled(remote, lambda: plan(one))]))
    else:
        print(f"push {name}: {send(one)}")


def send(one: Sending) -> str:
    """Bring the release and its tag to the Hub, whatever of it is there already; what was done, in words."""
    remote, seen = one.remote, []  # the heads of main that the release was put on top of: only ever the first

    def attempt() -> str:
        remote.made(one.private)
        head = remote.head(one.private)
        tags = remote.tags()
        if one.tag in tags:
            if not holds(one, tags[one.tag]):
                raise moved(one, tags[one.tag])
            later = f"; main is at {head[:12]}, and --rollback {one.tag} brings it back" * (tags[one.tag] != head)
            return f"{remote.repo} has {one.tag} at {tags[one.tag][:12]}, {_sent(one, seen)}{later}"
        if one.rests:
            based(one)
        commit = found(one, head)
        if commit is None:
            seen.append(head)
            if head != seen[0]:
                raise overtaken(remote, seen[0], head)
            commit = committed_to(one, head)
        remote.tag(one.tag, commit)
        return f"{remote.repo} at {commit[:12]}, {_sent(one, seen)}, tag {one.tag}"

    return settled(remote, attempt)


def based(one: Sending) -> None:
    """Refuse an adapter whose base is not there, at the revision that it names, with the weights it learnt on."""
    config = json.loads(one.wanted[release.ADAPTER].data)
    revision = config["revision"]
    base = Remote(config["base_model_name_or_path"], "model", one.remote.api.token or None)
    learnt_on = json.loads(one.wanted[sending.ORIGIN].data)["base_sha256"]
    tree = base.tree(revision) if base.there(revision) else {}
    weights = {path: one.sha256 for path, one in tree.items() if path.endswith(".safetensors") and "/" not in path}
    if weights != learnt_on:
        found = "other weights" if tree else "no such repository or revision"
        do = "publish the base first, or correct base_at in params.yaml and run `dvc repro`"
        raise Refusal("the base that the adapter learnt on", found, f"{base}, {revision}", do)


def found(one: Sending, head: str) -> str | None:
    """The commit of main that is this release: made by a run that did not come to its tag, or not changed since."""
    title = _title(one)
    made = [commit for commit, told in one.remote.commits() if told == title]
    return next((commit for commit in dict.fromkeys([*made, head]) if holds(one, commit)), None)


def holds(one: Sending, commit: str) -> bool:
    """Whether a commit has this release and nothing else of a release's files; the commit it names may be earlier."""
    tree = one.remote.tree(commit)
    if same(one, tree, one.wanted):
        return True
    rest = {path: part for path, part in one.wanted.items() if path not in STAMPED}
    if not all(path in tree and tree[path].holds(part) for path, part in rest.items()):
        return False
    told = one.remote.file(sending.ORIGIN, commit)
    stamp = contents.vouched(json.loads(told) if told else {})
    return stamp is not None and same(one, tree, contents.stamped(one.laid, stamp))


def same(one: Sending, tree: Tree, wanted: Contents) -> bool:
    there = all(path in tree and tree[path].holds(part) for path, part in wanted.items())
    return there and not stale(tree, wanted)


def stale(tree: Tree, wanted: Contents, former: dict | None = None) -> list[str]:
    """Files of an earlier release that this one lacks: a stale adapter_config.json would make a whole model load as an
    adapter. former: the manifest of that release. Other files of the repository stay."""
    return [path for path in tree if path not in wanted and (release.known(path) or path in (former or {}))]


def committed_to(one: Sending, head: str) -> str:
    """The release as one commit on top of `head`; refused, and left without a tag, where it is not whole there."""
    tree, wanted = one.remote.tree(head), one.wanted
    if ".gitignore" in tree:
        do = "delete it there: what it names would be left out of the release, silently"
        raise Refusal("a repository without .gitignore", "one", str(one.remote), do)
    gone = stale(tree, wanted, former(one.remote, tree, head))
    commit = one.remote.commit(wanted, gone, _title(one), head)
    if not same(one, one.remote.tree(commit), wanted):
        do = "look at that commit; nothing points to it but main"
        raise Refusal("the release whole", f"another tree in {commit[:12]}", str(one.remote), do)
    return commit


def former(remote: Remote, tree: Tree, commit: str) -> dict:
    """The manifest that a commit holds; empty where it holds none that can be read."""
    told = remote.file(sending.MANIFEST, commit) if sending.MANIFEST in tree else None
    try:
        told = json.loads(told or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def moved(one: Sending, at: str) -> Refusal:
    do = "a tag is never moved: commit the change here, which gives it a tag of its own"
    return Refusal(f"this release at {one.tag}", f"another one, in {at[:12]}", str(one.remote), do)


def plan(one: Sending) -> list[str]:
    """Lines: what would be sent where, and how that differs from what is there. Asks the Hub, and changes nothing."""
    remote, wanted = one.remote, one.wanted
    private = "private" if one.private else "public"
    size = sum(part.size for part in wanted.values())
    lines = [f"  to   {remote}, {private}, tag {one.tag}", f"  all  {len(wanted)} files, {size:,} bytes"]
    if not remote.there():
        told = "the repository is not there, or not for this token: it would be made"
        return [*lines, *(f"  new      {part.size:>13,}  {path}" for path, part in wanted.items()), f"  head {told}"]
    head, tags = remote.head(one.private), remote.tags()
    if one.tag in tags:
        if not holds(one, tags[one.tag]):
            raise moved(one, tags[one.tag])
        return [*lines, f"  head {head[:12]}; {one.tag} is there at {tags[one.tag][:12]}: nothing would be sent"]
    if commit := found(one, head):
        return [*lines, f"  head {head[:12]}; {commit[:12]} is this release: only the tag would be set"]
    tree = remote.tree(head)
    for path, part in wanted.items():
        how = "new" if path not in tree else "same" if tree[path].holds(part) else "changed"
        lines.append(f"  {how:8} {part.size:>13,}  {path}")
    gone = stale(tree, wanted, former(remote, tree, head))
    lines += [f"  {'deleted':8} {tree[path].size:>13,}  {path}" for path in gone]
    return [*lines, f"  head {head[:12]}: one commit on top of it"]


def _sent(one: Sending, seen: list[str]) -> str:
    return f"{len(one.wanted)} files sent" if seen else "nothing sent"


def _title(one: Sending) -> str:
    return f"Publish {one.tag}"


if __name__ == "__main__":
    run(main)
