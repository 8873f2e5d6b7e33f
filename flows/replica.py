"""A past commit laid out beside this workspace: a git worktree with a DVC cache of its own, and its inputs in it.

Everything lies below one scratch folder that git and DVC ignore. Whoever uses a replica holds the system's lock on it,
so the next one clears away what a killed one left.
"""

import fcntl
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows import digests, dvc, past, process, record
from flows.git import GitFailed, git

SCRATCH = Path(".rebuild")
NODE = re.compile(r"[\w.-]+(@[\w.-]+)?")  # beside a warning of DVC's
KEPT = ".keep"  # a replica with this file in it is not cleared away
# What another project, another run or the user's own habits left in the environment, and a rebuild must not see.
DROPPED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DVC_ROOT")


class Lost(Exception):
    """Inputs of a past commit that cannot be had; the text names each with its node and where it was looked for."""

    def __init__(self, then: past.Past, lost: dict[str, str]):
        listed = "\n".join(
            f"  - {path} of {then.outs[path][0]} (md5 {then.outs[path][1]['md5']}): {why}" for path, why in lost.items()
        )
        super().__init__(f"inputs of {then.commit[:12]} that cannot be had, and nothing is fetched anew:\n{listed}")


@contextmanager
def laid_out(commit: str, scratch: Path, keep: bool = False) -> Iterator[Path]:
    """The project as `commit` has it, as a folder of its own; gone in the end unless `keep`."""
    scratch = scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    sweep(scratch)
    tree = scratch / f"{commit[:12]}-{secrets.token_hex(4)}"
    with _lock(tree).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            # Hooks of the user's, such as the ones of `dvc install`, would look for data that is not wanted here.
            git("-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", str(tree), commit)
            if keep:
                (tree / KEPT).touch()
            yield _apart(tree / git("rev-parse", "--show-prefix"))
        finally:
            if not keep:
                _clear(tree)


def _apart(root: Path) -> Path:
    """Give it a cache of its own, whatever the commit's configuration names, and files that are no links into it."""
    if not (root / ".dvc").is_dir():
        raise dvc.NoPipeline("that commit has no DVC project where this one stands")
    (root / ".dvc/config.local").write_text(f"[cache]\n    dir = {root / '.dvc/cache'}\n    type = copy\n")
    return root


def sweep(scratch: Path) -> None:
    """Clear away replicas whose process was killed."""
    for path in scratch.glob("*.tree.lock"):
        with path.open("w") as lock, suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tree = path.with_name(path.name.removesuffix(".tree.lock"))
            if not (tree / KEPT).exists():
                _clear(tree)


def _lock(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.tree.lock")


def _clear(tree: Path) -> None:
    with suppress(GitFailed):
        git("worktree", "remove", "--force", "--force", str(tree))
    shutil.rmtree(tree, ignore_errors=True)
    with suppress(GitFailed):
        git("worktree", "prune")
    _lock(tree).unlink(missing_ok=True)


def environment(root: Path, python: str) -> dict[str, str]:
    """The variables under which DVC and the stages run in a replica."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return {"TQDM_MININTERVAL": "5"} | kept | {
        "PATH": os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0",
        "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / ".dvc/tmp/site"),
    }  # fmt: skip


def nodes(root: Path, python: str, stop: threading.Event) -> list[str]:
    """The nodes of its dvc.yaml, as its own DVC resolves them."""
    lines: list[str] = []
    words = [python, "-P", "-m", "dvc", "stage", "list", "--name-only"]
    if process.run(words, lines.append, stop, root, environment(root, python)):
        raise dvc.NoPipeline("DVC cannot read that commit's dvc.yaml:\n" + "\n".join(lines[-10:]))
    return [line for line in lines if NODE.fullmatch(line)]


def lay_inputs(then: past.Past, paths: list[str], entries: dict[str, dict], root: Path) -> dict[str, str]:
    """Copy these outputs, as the commit recorded them, into the replica; each that cannot be had and why."""
    lost = {}
    with dvc.project() as here, _store(root) as store:
        for path in paths:
            if why := _lay(then.outs[path][1]["md5"], entries.get(path), root / path, here, store):
                lost[path] = "; ".join(why)
    return lost


def altered(then: past.Past, path: str, entries: dict[str, dict], root: Path) -> str:
    """How the bytes at `path` in the replica are not the recorded ones; empty where they are."""
    return _wrong(digests.of(root / path), then.outs[path][1]["md5"], entries.get(path))


def _lay(md5: str, entry: dict | None, target: Path, here, store) -> list[str]:
    """Lay the recorded bytes at `target`: as git has them, from this workspace's cache, from a remote; else why not."""
    looked = []
    if target.exists():
        if why := _wrong(digests.of(target), md5, entry):
            looked.append(f"in git: {why}")
        else:
            return []
    for where, files in _sources(md5, here, store, looked):
        whole = digests.of_kept(files, md5)
        if why := _wrong(whole, md5, entry):
            looked.append(f"{where}: {why}")
            continue
        for below, file in files.items():
            path = target / below if below else target
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, path)
        return []
    return looked


def _sources(md5: str, here, store, looked: list[str]) -> Iterator[tuple[str, dict[str, Path]]]:
    from dvc.exceptions import DvcException
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_objects.errors import ObjectFormatError

    cache = f"the cache {here.cache.local.path}"
    try:
        if files := record.cached(here, md5):
            yield cache, files
        else:
            looked.append(f"not in {cache}")
    except ObjectFormatError as error:
        looked.append(f"{cache}: {error}")
    remotes = [here.config["core"]["remote"]] if here.config["core"].get("remote") else list(here.config["remote"])
    if not remotes:
        looked.append("and no DVC remote is set to ask")
    for remote in remotes:
        try:  # into the replica's own cache: this workspace's stays as it is
            source = here.cloud.get_remote_odb(remote)
            store.cloud.pull([HashInfo("md5", md5)], odb=source)  # of a folder this brings the list of its files
            store.cloud.pull([HashInfo("md5", one) for one in record.listed(store, md5)], odb=source)
            files = record.cached(store, md5)
        except (DvcException, OSError, ObjectFormatError) as error:
            looked.append(f"the remote {remote}: {error}")
            continue
        if files:
            yield f"the remote {remote}", files
        else:
            looked.append(f"not on the remote {remote}")


@contextmanager
def _store(root: Path) -> Iterator:
    """The replica as DVC sees it, whose cache takes what a remote sends."""
    from dvc.repo import Repo

    with Repo(str(root), uninitialized=True, _wait_for_lock=True) as repo:
        yield repo


def _wrong(whole: digests.Digest | None, md5: str, entry: dict | None) -> str:
    if whole is None:
        return "nothing there"
    if whole.md5 != md5:
        return f"altered, its bytes have md5 {whole.md5}"
    if entry and whole.sha256 != entry["sha256"]:
        return f"altered, its md5 is right and its sha256 is {whole.sha256}, recorded {entry['sha256']}"
    return ""


def packages(python: str, stop: threading.Event) -> dict[str, str]:
    """What of the machine and of torch in that environment decides about the last bits."""
    asked = (
        "import platform, torch; print('capability', torch.backends.cpu.get_cpu_capability()); "
        "print('torch', torch.__version__); print('machine', platform.machine())"
    )
    lines: list[str] = []
    if process.run([python, "-P", "-c", asked], lines.append, stop, environment=environment(Path.cwd(), python)):
        return {}
    return dict(line.split(" ", 1) for line in lines if line.split(" ", 1)[0] in ("capability", "torch", "machine"))
