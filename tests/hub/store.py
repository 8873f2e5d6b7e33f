"""What a Hub keeps, as git keeps it: a bare repository for each id, real objects, and large files beside them by hash.

All of it lies in a folder, so a server that is started anew on that folder has what the former one had. A branch moves
and a tag appears by git's own compare-and-swap, hence all at once or not at all.
"""

import fcntl
import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LARGE = (".safetensors", ".bin", ".parquet", ".arrow", ".model")  # what .gitattributes of a new repository gives to LFS
REGULAR_MOST = 10 * 2**20  # bytes; a file above is large whatever its name
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n")
POINTER_MOST = 200  # bytes: only so short a file is looked into
NONE = "0" * 40
WHO = {f"GIT_{who}_{what}": said for who in ("AUTHOR", "COMMITTER")
       for what, said in (("NAME", "mill"), ("EMAIL", "mill@example.org"))}  # fmt: skip


class Stale(Exception):
    """The branch is not, or no longer, at the parent that was named."""


@dataclass(frozen=True)
class Entry:
    """A file of a tree. oid: of its git blob, which of a large file is the pointer; large: its sha256."""

    oid: str
    size: int
    large: str | None = None
    pointer: int = 0


class Store:
    """Repositories by kind (model, dataset) and id."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.trees: dict[tuple[Path, str], dict[str, Entry]] = {}  # of commits, which never change

    def repo(self, name: str, kind: str = "model") -> "Repo":
        return Repo(self, self.folder / f"{kind}s" / f"{name}.git", name)

    def repos(self, kind: str = "model") -> list[str]:
        root = self.folder / f"{kind}s"
        return sorted(str(path.relative_to(root))[: -len(".git")] for path in root.glob("*/[!.]*.git"))


class Repo:
    """One repository. Revisions are branches, tags or commits."""

    def __init__(self, store: Store, folder: Path, name: str):
        self.store, self.folder, self.name = store, folder, name

    def exists(self) -> bool:
        return (self.folder / "HEAD").is_file()

    def create(self, private: bool) -> bool:
        """Make it, with the one file that the Hub puts there; False where it is there already."""
        beside = Repo(self.store, self.folder.with_name(f".{self.folder.name}.{os.urandom(4).hex()}"), self.name)
        beside.folder.mkdir(parents=True)
        beside._git("init", "--quiet", "--bare", "--initial-branch=main", "--template=")
        (beside.folder / "lfs").mkdir()
        beside.private = private
        lines = "".join(f"*{end} filter=lfs diff=lfs merge=lfs -text\n" for end in LARGE)
        beside.change({".gitattributes": lines.encode()}, [], "initial commit", NONE)
        try:
            beside.folder.rename(self.folder)
        except OSError:  # somebody else was first
            shutil.rmtree(beside.folder)
            return False
        return True

    def copied(self, name: str) -> "Repo":
        """Another one with all that this has."""
        other = Repo(self.store, self.folder.parents[1] / f"{name}.git", name)
        shutil.copytree(self.folder, other.folder)
        return other

    def delete(self) -> None:
        self.folder.rename(self.folder.with_name(f".{self.folder.name}.{os.urandom(4).hex()}"))
        self.store.trees = {key: tree for key, tree in self.store.trees.items() if key[0] != self.folder}

    @property
    def private(self) -> bool:
        return self._git("config", "hub.private") == "true"

    @private.setter
    def private(self, private: bool) -> None:
        self._git("config", "hub.private", str(private).lower())

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, a tag or a commit names."""
        if (self.folder, revision) in self.store.trees:
            return revision
        named = self._git("for-each-ref", "--format=%(objectname)", f"refs/heads/{revision}", f"refs/tags/{revision}")
        if not named and re.fullmatch("[0-9a-f]{7,40}", revision):
            named = self._git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", check=False)
        return named.partition("\n")[0] or None

    def log(self, revision: str = "main") -> list[tuple[str, str, str]]:
        """(commit, its date, its title), the newest first."""
        form = "--date=format-local:%Y-%m-%dT%H:%M:%S.000Z", "--format=%H%x00%cd%x00%s"
        told = self._git("log", "--first-parent", *form, self.resolve(revision))
        return [tuple(line.split("\0")) for line in told.splitlines()]

    def refs(self, kind: str) -> dict[str, str]:
        """kind: heads or tags → name: commit."""
        told = self._git("for-each-ref", "--format=%(refname) %(objectname)", f"refs/{kind}")
        pairs = (line.split(" ") for line in told.splitlines())
        return {name.removeprefix(f"refs/{kind}/"): oid for name, oid in pairs}

    @property
    def tags(self) -> dict[str, str]:
        return self.refs("tags")

    def tag(self, name: str, commit: str) -> bool:
        """False where that tag is there already, wherever it points."""
        return self._moved(f"refs/tags/{name}", commit, NONE)

    def untag(self, name: str) -> None:
        self._git("update-ref", "-d", f"refs/tags/{name}")

    def tree(self, revision: str = "main") -> dict[str, Entry]:
        """path → entry, sorted."""
        commit = self.resolve(revision)
        if (self.folder, commit) not in self.store.trees:
            self.store.trees[self.folder, commit] = self._tree(commit)
        return dict(self.store.trees[self.folder, commit])

    def _tree(self, commit: str) -> dict[str, Entry]:
        told = self._git("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
        found, short = {}, {}
        for line in filter(None, told.split("\0")):
            words, _, path = line.partition("\t")
            _, _, oid, size = words.split()
            found[path] = Entry(oid, int(size))
            if int(size) < POINTER_MOST:
                short[path] = oid
        blobs = self._blobs(list(short.values()))
        for path, oid in short.items():
            if pointer := POINTER.fullmatch(blobs[oid]):
                found[path] = Entry(oid, int(pointer[2]), pointer[1].decode(), len(blobs[oid]))
        return dict(sorted(found.items()))

    def large(self, oid: str) -> Path:
        return self.folder / "lfs" / oid

    def keep(self, data: bytes) -> str:
        """Keep a large file; its sha256."""
        oid = hashlib.sha256(data).hexdigest()
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as beside:
            beside.write(data)
        Path(beside.name).replace(self.large(oid))
        return oid

    def content(self, entry: Entry) -> bytes:
        if entry.large:
            return self.large(entry.large).read_bytes()
        return self._blobs([entry.oid])[entry.oid]

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """path → what a download gives."""
        return {path: self.content(entry) for path, entry in self.tree(revision).items()}

    def ignores(self, path: str, rules: str | None) -> bool:
        """Whether rules of a .gitignore, or those of the repository's own, leave this file out of a commit."""
        if rules is None:
            own = self.tree().get(".gitignore")
            rules = self.content(own).decode() if own else ""
        lines = [line.strip().strip("/") for line in rules.splitlines() if line.strip() and line[0] not in "#!"]
        return any(fnmatch.fnmatch(part, line) for line in lines for part in (path, *path.split("/")))

    def commit(self, files: dict[str, bytes], title: str = "by hand", gone: tuple[str, ...] = ()) -> str:
        """On top of main, add or replace `files` and take away those `gone`; the commit."""
        added = {path: self.keep(data) if is_large(path, len(data)) else data for path, data in files.items()}
        return self.change(added, list(gone), title, self.resolve("main"))

    def change(self, added: dict[str, bytes | str], gone: list[str], title: str, parent: str) -> str:
        """One commit on top of `parent`, which main must be at. added: path → bytes, or of a large file its sha256."""
        with self._turn(), tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index"}
            if parent != NONE:
                self._git("read-tree", parent, env=index)
            lines = [f"0 {NONE}\t{path}" for path in gone]
            for path, told in added.items():
                oid = self._git("hash-object", "-w", "--stdin", given=told if isinstance(told, bytes) else
                                self._pointer(told))  # fmt: skip
                lines.append(f"100644 {oid}\t{path}")
            self._git("update-index", "-z", "--index-info", given="\0".join([*lines, ""]).encode(), env=index)
            tree = self._git("write-tree", env=index)
            above = [] if parent == NONE else ["-p", parent]
            commit = self._git("commit-tree", tree, *above, given=title.encode(), env=WHO)
            if not self._moved("refs/heads/main", commit, parent):
                raise Stale(parent)
            return commit

    def fsck(self) -> str:
        """What git finds wrong with it: nothing, of a whole repository."""
        return self._git("fsck", "--full", "--strict", "--no-dangling")

    def _pointer(self, oid: str) -> bytes:
        size = self.large(oid).stat().st_size
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()

    def _moved(self, ref: str, to: str, was: str) -> bool:
        words = ["git", "update-ref", ref, to, was]
        return subprocess.run(words, cwd=self.folder, env=_environment(), capture_output=True).returncode == 0

    def _blobs(self, oids: list[str]) -> dict[str, bytes]:
        if not oids:
            return {}
        words, given = ["git", "cat-file", "--batch"], "".join(f"{oid}\n" for oid in oids).encode()
        told = subprocess.run(words, input=given, cwd=self.folder, env=_environment(), capture_output=True, check=True)
        rest, found = told.stdout, {}
        while rest:
            head, _, rest = rest.partition(b"\n")
            oid, _, size = head.decode().split()
            found[oid], rest = rest[: int(size)], rest[int(size) + 1 :]
        return found

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One change at a time, of all threads and processes that serve this folder."""
        with (self.folder / "turn").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _git(self, *words: str, given: bytes | None = None, env: dict | None = None, check: bool = True) -> str:
        done = subprocess.run(["git", *words], input=given, cwd=self.folder, env=_environment() | (env or {}),
                              capture_output=True)  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"git {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout.decode().rstrip("\n")


def is_large(path: str, size: int) -> bool:
    return size > 0 and (path.endswith(LARGE) or size > REGULAR_MOST)


def _environment() -> dict[str, str]:
    """Without the caller's repository, were it called from a hook, and without anybody's settings."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", "TZ": "UTC"}
