"""Read a release back from the Hub by its tag, and vouch for it in a receipt.

Run by flows.publish after stages.push, as `python -m stages.confirm NAME FOLDER BASE REPORT RECEIPT`. Listed at the
tag, downloaded into a folder of its own, compared by sha256 and size with what lies here; a model is opened from the
download by safetensors alone, asked the prompt that its card shows, and has to answer as the local one does.

Reads   the published folder; the recipe's base; its evaluate report, for the card's example; HF_TOKEN; HF_ENDPOINT
Writes  the receipt, only after all of that: which commit of the Hub holds what, made at which commit here
Params  publish.<name>, recipes.<name>, numerics, seed

Receipts lie in data/, outside git: they tell what this clone has seen, and a next publish finds the tree clean.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from stages import contents, params, release
from stages.contents import MANIFEST, ORIGIN, STAMP, Contents, Part
from stages.files import read_json, write_json
from stages.refusal import Refusal, run
from stages.remote import Remote, settled, token

KIND = "model"


def main(name: str, folder: str, base: str, report: str, receipt: str) -> None:
    settings = params.load()
    wanted = params.entry(settings.publish, name, "publish")
    stamp, remote = contents.committed(), Remote(wanted.repo, KIND, token())
    tag = contents.tag(stamp)
    commit = settled(remote, remote.tags).get(tag)
    if commit is None:
        raise Refusal(f"the tag {tag}", "none", str(remote), f"python -m flows.publish {name}, which sends it")
    with tempfile.TemporaryDirectory(prefix="read-back-") as scratch:
        laid = contents.whole(Path(folder))
        fetched = listed_and_loaded(remote, tag, commit, wanted.private, Path(scratch), [*laid, MANIFEST])
        sent = read_json(Path(scratch) / ORIGIN)
        compare(fetched, contents.stamped(laid, {key: sent.get(key) for key in STAMP}), f"{remote}, {tag}")
        told = None
        if release.is_adapter(Path(folder)) or (Path(folder) / "config.json").is_file():
            told = asked(settings, name, report, Path(scratch), Path(folder), Path(base))
    write_json(receipt, {
        "recipe": name, "repo": wanted.repo, "kind": KIND, "endpoint": remote.api.endpoint, "tag": tag,
        "commit": commit, "private": wanted.private, "git_commit": stamp["git_commit"], "example": told,
        "files": contents.manifest(fetched), "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    })  # fmt: skip
    print(f"confirm {name}: {len(fetched)} files of {wanted.repo}@{tag} are those here"
          + (", and the model answers as here" if told else ""))  # fmt: skip


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


def asked(settings: params.Params, name: str, report: str, fetched: Path, local: Path, base: Path) -> dict:
    """The card's prompt and the answer to it, which both models give."""
    card = (fetched / contents.CARD).read_text("utf-8")
    prompts = [one["prompt"] for one in read_json(report)["examples"]]
    prompt = next((one for one in prompts if one.splitlines()[0] in card), None)
    if prompt is None:
        do = f"dvc repro publish@{name}, which renders the card from that report"
        raise Refusal("a prompt of the report in the card", "none", f"{contents.CARD}, {report}", do)
    told = answer(settings, name, fetched, base, prompt), answer(settings, name, local, base, prompt)
    if told[0] != told[1]:
        raise Refusal(f"the answer {told[1]!r}", repr(told[0]), f"the model read back, asked {prompt!r}", AGAIN)
    return {"prompt": prompt, "answer": told[0]}


def answer(settings: params.Params, name: str, folder: Path, base: Path, prompt: str) -> str:
    """What a model says to a prompt; drawn, if it draws, by the seed."""
    from stages import tasks
    from stages.models import adapters, family
    from stages.models import tokenizer as tokenizers
    from stages.numerics import settle

    recipe = settings.recipes[name]
    settle(settings.numerics, settings.seed)
    task, kind = tasks.load(recipe.task), family(recipe.model.family)
    tokenizer = tokenizers.load(folder)
    model = adapters.load(folder, base, lambda path: kind.load(path, task.outputs(recipe.model.head)))
    ids = tokenizers.encode(tokenizer, [prompt], recipe.model.prompt_tokens, recipe.model.cut)[0]
    settle(settings.numerics, settings.seed)
    return kind.answer(model, tokenizer, ids, recipe.model.target_tokens, recipe.predict, task.labels)[0][0]


AGAIN = "nothing vouches for that release: look at it on the Hub, then publish again"


if __name__ == "__main__":
    run(main)
