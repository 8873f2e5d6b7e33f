"""How a stage says no: what was expected, what was found, where, and what to do.

A stage never ends in a traceback for something a user can mend. It raises `Refusal`; the main guard prints it and
exits with status 1, so that DVC and Prefect stop everything below the stage.
"""

import errno
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path


class Refusal(Exception):
    """An input, a setting or a result that the stage will not go on with.

    expected, found: what should have been there and what was. where: file, row or `params.yaml` address.
    do: the next step for whoever reads it.
    """

    def __init__(self, expected: str, found: str, where: str, do: str):
        super().__init__(f"expected {expected}\n   found {found}\n   where {where}\n      do {do}")
        self.expected, self.found, self.where, self.do = expected, found, where, do


def run(main: Callable[..., None], argv: list[str] | None = None) -> None:
    """Call `main` with the command line's words; turn what a user can mend into one message and exit status 1."""
    words = sys.argv[1:] if argv is None else argv
    name = getattr(inspect.getmodule(main).__spec__, "name", main.__module__)
    signature = inspect.signature(main)
    try:
        bound = signature.bind(*words)
    except TypeError:
        usage = " ".join(
            p.name.upper() if p.default is p.empty else f"[{p.name}]" for p in signature.parameters.values()
        )
        sys.exit(f"usage: python -m {name} {usage}")
    try:
        main(*bound.args)
    except Refusal as refusal:
        sys.exit(f"refused by {name} {' '.join(words[:1])}\n{refusal}")
    except Exception as error:
        told = error if isinstance(error, OSError) and error.errno is not None else _full(error, words)
        if told is None:  # raised by a library, not by the system: its traceback is worth having
            raise
        where = told.filename or " ".join(words)
        sys.exit(f"refused by {name} {' '.join(words[:1])}\n{_of_system(told, str(where))}")


def _full(error: BaseException | None, words: list[str]) -> OSError | None:
    """The full disk behind a library's own error: said in its words, or seen where the stage writes."""
    space = os.strerror(errno.ENOSPC)
    while error is not None:
        if space in str(error):
            return OSError(errno.ENOSPC, space)
        error = error.__cause__ or error.__context__
    for word in words:
        folder = next((one for one in Path(word).parents if one.is_dir()), None)
        if "/" in word and folder and os.statvfs(folder).f_bavail == 0:
            return OSError(errno.ENOSPC, space, str(folder))
    return None


def _of_system(error: OSError, where: str) -> Refusal:
    """A refusal for what the operating system said: no space, no permission, no such file."""
    todo = {
        errno.ENOSPC: "free some space (`dvc gc -w` drops cached data no commit here needs), then run it again",
        errno.EDQUOT: "free some of your quota, then run it again",
        errno.EACCES: "give yourself the right to read and write there, then run it again",
        errno.EPERM: "give yourself the right to read and write there, then run it again",
        errno.EROFS: "choose a place that can be written to",
        errno.ENOENT: "run the stage that makes it (`dvc repro` does so in order), or correct the path",
    }
    found = (error.strerror or str(error)).lower()
    return Refusal(
        "to read and write the stage's files", found, where, todo.get(error.errno, "mend this and run it again")
    )
