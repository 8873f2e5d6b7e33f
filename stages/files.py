"""Writing that is whole or absent: beside the target first, then renamed over it."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.refusal import Refusal


@contextmanager
def replacing(target: str | Path) -> Iterator[Path]:
    """Give a path beside `target` to write a file to; rename it over `target` when the block ends well."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield beside
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def replacing_folder(target: str | Path) -> Iterator[Path]:
    """The same for a folder: the old one is dropped only after the new one is whole and in its place."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    former = target.with_name(f".{target.name}.former.{os.getpid()}.partial")
    for left in (beside, former):
        shutil.rmtree(left, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        if target.exists():
            target.replace(former)
        try:
            beside.replace(target)
        except OSError:
            if former.exists():
                former.rename(target)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def write_json(target: str | Path, value: object) -> None:
    """Write `value` as JSON with sorted keys, so that equal content is equal bytes."""
    with replacing(target) as path:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict:
    """What `write_json` wrote; refuses a file that is missing or is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Refusal("a JSON file", "no such file", str(path), "dvc repro, which makes it") from error
    except ValueError as error:  # JSON's and Unicode's errors alike
        raise Refusal("JSON", str(error), str(path), "delete it and run dvc repro, which makes it anew") from error
