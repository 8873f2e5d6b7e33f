"""git as flows see it: a few of its commands, and its own words where it refuses. Nothing here forces or configures."""

import os
import subprocess
from collections.abc import Iterable

MAILBOX = ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")


class GitFailed(Exception):
    """git refused; the text is its own, below the command."""


def git(*words: str, given: str | None = None) -> str:
    """What `git WORDS` prints, without the last line end. given: its standard input."""
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    done = subprocess.run(["git", *words], input=given, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise GitFailed(f"`git {' '.join(words)}` failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout.rstrip("\n")


def content(commit: str, path: str) -> bytes | None:
    """The file at `path`, as seen from the working directory, in `commit`; None where the commit has none."""
    done = subprocess.run(["git", "cat-file", "blob", f"{commit}:./{path}"], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def inside() -> bool:
    """Whether the working directory lies in a git repository that has a commit."""
    return bool(_or_none("rev-parse", "--verify", "-q", "HEAD"))


def head() -> str:
    """The commit that is checked out."""
    return git("rev-parse", "HEAD")


def branch() -> str | None:
    """The branch that is checked out; None in a detached state."""
    return _or_none("symbolic-ref", "--short", "-q", "HEAD")


def changed() -> list[str]:
    """Paths that differ from HEAD, untracked ones included and ignored ones not, as seen from the working directory."""
    told = git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    below = git("rev-parse", "--show-prefix")
    return [entry[3:].removeprefix(below) for entry in told.split("\0") if entry]


def knows_author(author: tuple[str, ...]) -> bool:
    """Whether a commit could be signed: by `author` as `identity` gives it, or by git's own settings."""
    strict = ("-c", "user.useConfigOnly=true", *author)
    return all(_or_none(*strict, "var", whose) for whose in MAILBOX)


def identity(name: str, email: str) -> tuple[str, ...]:
    """Words for `git` that sign one command, and write no configuration."""
    return "-c", f"user.name={name}", "-c", f"user.email={email}"


def kept(paths: Iterable[str], commit: str = "HEAD") -> list[str]:
    """Those of `paths` that `commit` has."""
    paths = list(paths)
    told = git("ls-tree", "-r", "-z", "--name-only", commit, "--", *paths) if paths else ""
    return [path for path in told.split("\0") if path]


def commit(paths: list[str], message: str, author: tuple[str, ...]) -> str:
    """Commit `paths` and nothing else, those that are gone included; the new commit."""
    git("add", "--all", "--", *paths)
    git(*author, "commit", "--quiet", "--file=-", "--only", "--", *paths, given=message)
    return head()


def _or_none(*words: str) -> str | None:
    try:
        return git(*words)
    except (GitFailed, FileNotFoundError):
        return None
