"""Read a release back from the Hub by its tag, and vouch for it in a receipt.

Run by flows.publish after stages.push, as `python -m stages.confirm KIND NAME FOLDER RECEIPT [COMMIT]`. Listed at
the tag, downloaded into a folder of its own, compared by sha256 and size with what lies here. Then the card's code is
run as it stands: it loads the release from the Hub, by its tag and by safetensors alone, into an empty cache, and has
to give the answer that stands on the card, which the local folder gave.

Reads   the published folder; HF_TOKEN; HF_ENDPOINT, where it is set
Writes  the receipt, only after all of that: which commit of the Hub holds what, made at which commit here
Params  publish.<name> or datasets.<name>

Receipts lie in data/, outside git: they tell what this clone has seen, and a next publish finds the tree clean.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from stages import contents, params, release
from stages.contents import CARD, Contents, Part
from stages.files import read_json, write_json
from stages.refusal import Refusal, run
from stages.remote import Remote, destination, settled, token
from stages.sending import MANIFEST, ORIGIN


def main(kind: str, name: str, folder: str, receipt: str, at: str = "") -> None:
    wanted = destination(params.load(), kind, name)
    stamp, remote = contents.committed(at), Remote(wanted.repo, kind, token())
    tag, laid = contents.tag(stamp), contents.whole(Path(folder), kind)
    commit = settled(remote, remote.tags).get(tag)
    if commit is None:
        raise Refusal(f"the tag {tag}", "none", str(remote), f"send it first: python -m flows.publish {name}")
    with tempfile.TemporaryDirectory(prefix="read-back-") as scratch:
        fetched = listed_and_loaded(remote, tag, commit, wanted.private, Path(scratch, "files"), [*laid])
        sent = read_json(fetched[ORIGIN].source)
        made = contents.vouched(sent)
        if made is None:
            found = f"{sent.get('git_commit')}, whose commit or dvc.lock is none of this history"
            raise Refusal("made at a commit that leads to this one", found, f"{remote}, {tag}", AGAIN)
        compare(fetched, contents.stamped(laid, made), f"{remote}, {tag}")
        told = followed(fetched[CARD].source, sent.get("example"), Path(scratch, "home"), f"{remote}, {tag}")
        write_json(receipt, {
            "recipe": name, "repo": wanted.repo, "kind": kind, "endpoint": remote.api.endpoint, "tag": tag,
            "commit": commit, "private": wanted.private, "git_commit": made["git_commit"], "example": told,
            "files": contents.manifest(fetched), "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        })  # fmt: skip
    print(f"confirm {name}: {len(fetched)} files of {wanted.repo}@{tag} are those here, and the card's code runs"
          + (" and answers as the card says" if told else ""))  # fmt: skip


def listed_and_loaded(
    remote: Remote, tag: str, commit: str, private: bool, scratch: Path, paths: list[str]
) -> Contents:
    """The release's files as the tag gives them: by its listing, and by a download that the listing agrees with."""
    settled(remote, lambda: remote.head(private))
    tree = settled(remote, lambda: remote.tree(tag))
    there = {path for path in tree if path in paths or release.known(path)}
    if lacking := sorted(there ^ set(paths)):
        raise Refusal("the release's files and no other model's", ", ".join(lacking), f"{remote}, {tag}", AGAIN)
    settled(remote, lambda: remote.download(sorted(there), tag, scratch))
    if settled(remote, remote.tags).get(tag) != commit:
        raise Refusal(f"{tag} at {commit[:12]}", "that it moved", str(remote), AGAIN)
    fetched = {path: Part(scratch / path) for path in sorted(there)}
    if wrong := [path for path, part in fetched.items() if not tree[path].holds(part)]:
        raise Refusal("what the listing names", f"other bytes in {', '.join(wrong)}", f"{remote}, {tag}", AGAIN)
    return fetched


def compare(fetched: Contents, wanted: Contents, where: str) -> None:
    """Refuse a release that differs in a file from what lies here, or from its own manifest."""
    told = read_json(fetched[MANIFEST].source)
    here, there = contents.manifest(wanted), contents.manifest(fetched)
    wrong = sorted(path for path in here.keys() | told.keys() | there.keys()
                   if not here.get(path) == told.get(path) == there.get(path))  # fmt: skip
    if wrong:
        raise Refusal("sha256 and size as they are here", f"others of {', '.join(wrong)}", where, AGAIN)


def followed(card: Path, example: dict | None, home: Path, where: str) -> dict | None:
    """Run the card's code in a process and a cache of its own; the example, whose answer it has to give."""
    words = [sys.executable, "-m", "stages.follow", str(card)]
    env = {key: value for key, value in os.environ.items() if key not in CACHES} | {"HF_HOME": str(home)}
    try:
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired as error:
        raise Refusal(f"a card whose code ends within {LONGEST} s", "that it goes on", where, AGAIN) from error
    if done.returncode:
        said = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise Refusal("a card whose code runs", said, where, AGAIN)
    answer = json.loads(done.stdout.splitlines()[-1])
    if example is not None and answer != example["answer"]:
        raise Refusal(f"the answer on the card, {example['answer']!r}", repr(answer), where, AGAIN)
    return example


LONGEST = 3600  # seconds for the card's code, which downloads the release and its base
CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_DATASETS_CACHE", "TRANSFORMERS_CACHE")  # they win over HF_HOME
AGAIN = "nothing vouches for that release: look at it on the Hub, then publish again"


if __name__ == "__main__":
    run(main)
