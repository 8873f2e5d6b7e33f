import errno
import os
from pathlib import Path

import pytest

from stages.refusal import Refusal, run


def said(main, *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        run(main, list(words))
    assert isinstance(stop.value.code, str), "a text as exit code: printed to stderr, status 1"
    return stop.value.code


def main(name: str, path: str = "x") -> None:
    raise Refusal("bread", "a stone", "the shop", "ask again")


def test_a_refusal_is_printed_in_four_lines():
    assert said(main, "places", "a").splitlines() == [
        f"refused by {__name__} places",
        "expected bread",
        "   found a stone",
        "   where the shop",
        "      do ask again",
    ]


@pytest.mark.parametrize("words", [(), ("a", "b", "c")])
def test_a_wrong_number_of_words_shows_the_usage(words):
    assert said(main, *words) == f"usage: python -m {__name__} NAME [path]"


def test_the_words_reach_main():
    seen = []
    run(lambda name, path: seen.append((name, path)), ["a", "b"])
    assert seen == [("a", "b")]


@pytest.mark.parametrize(
    ("number", "found", "do"),
    [
        (errno.ENOSPC, "no space left on device", "free some space"),
        (errno.EDQUOT, "quota exceeded", "free some of your quota"),
        (errno.EACCES, "permission denied", "give yourself the right"),
        (errno.EPERM, "operation not permitted", "give yourself the right"),
        (errno.EROFS, "read-only file system", "choose a place"),
        (errno.ENOENT, "no such file or directory", "run the stage that makes it"),
        (errno.EIO, "input/output error", "mend this"),
    ],
)
def test_what_the_system_refuses_is_one_message(number, found, do):
    def main(name: str) -> None:
        raise OSError(number, os.strerror(number), "data/x.parquet")

    lines = said(main, "places").splitlines()
    assert lines[0] == f"refused by {__name__} places"
    assert found in lines[2]
    assert lines[3] == "   where data/x.parquet"
    assert lines[4].startswith(f"      do {do}")


def test_a_full_disk_without_a_name_is_placed_by_the_words():
    def main(name: str, path: str) -> None:
        with Path("/dev/full").open("wb", buffering=0) as device:
            device.write(b"x")

    assert "   where places data/x.parquet" in said(main, "places", "data/x.parquet")


def test_other_errors_keep_their_traceback():
    def fault(name: str) -> None:
        raise ZeroDivisionError

    def library(name: str) -> None:
        raise OSError("no such model")

    with pytest.raises(ZeroDivisionError):
        run(fault, ["a"])
    with pytest.raises(OSError, match="no such model"):
        run(library, ["a"])
