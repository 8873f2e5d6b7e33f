"""Answer the rows of any file: the same rows, in the same format, with answer, confidence and error beside them.

    python -m stages.predict MODEL FILE OUT [--rows 256] [--columns text=review] [--seed 7]

Reads   FILE (csv, jsonl or parquet); MODEL: a folder, or repo@tag on the Hub
Writes  OUT, of FILE's format: its columns, answer, confidence (of a label), error

No DVC stage: it is how a model is put to use. Rows are answered so many at a time, and each lot is kept as it is done,
so a run that was killed goes on where it was and ends with the bytes of one that was not. What is wrong with a row
stands in its own `error`; a row cut at the model's limit has both an answer and an error that says so.
"""

import argparse
import fcntl
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages import answering, asked, chunks, numerics, origin, tasks
from stages.files import read_json, replacing, write_json
from stages.refusal import Refusal, run

ROWS = 256
PAUSE = 2.0  # seconds between two lines about the progress
PLAN = "plan.json"
MOST = 2**32 - 1  # that a seed may be, as NumPy draws


def main(model: str, file: str, out: str, rows: str = str(ROWS), columns: str = "", seed: str = "") -> None:
    source, target = Path(file), Path(out)
    if source.suffix != target.suffix or source.resolve() == target.resolve():
        raise Refusal(f"another file that ends in {source.suffix}", out, "the third word", "name one")
    size, draw = _whole(rows, "--rows", 1), _whole(seed, "--seed", 0) if seed else None
    found, table = origin.find(model), chunks.table(source)
    named = _named(columns, found.recipe.task, list(table.columns), file)
    numerics.settle(found.numerics, found.seed)  # it may start the command anew, and the plan names what it settles
    with _aside(target) as folder:
        _go_on(folder, _plan(found, source, size, named, draw))
        parts, account = _parts(found, table, folder, named, draw, size)
        with replacing(target) as beside:
            table.join(parts, beside, _added(found))
        shutil.rmtree(folder, ignore_errors=True)
    print(f"answer {model}: {account['rows']:,} rows → {out}, {account['errors']:,} with an error")


def _parts(found, table, folder: Path, named: dict, seed: int | None, size: int) -> tuple[list[Path], dict]:
    """The parts of the answered table, in order, and a count of rows and errors; what is there already stays."""
    parts, account, model = [], {"rows": 0, "errors": 0}, None
    start = told = time.monotonic()
    fresh = 0
    for number, chunk in enumerate(table.chunks(size, set(named.values()))):
        part = folder / f"{number:08d}"
        count = folder / f"{number:08d}.json"
        if not count.is_file():  # it is written once its part is whole
            if model is None:  # opened once it is needed: a run that was all but done needs none
                model = answering.open_model(found)
                start = time.monotonic()
            answers = _answers(model, chunk, named, seed)
            with replacing(part) as beside:
                table.write(beside, chunk, {name: answers[name] for name in _added(found)})
            write_json(count, {"rows": len(chunk.rows), "errors": sum(one is not None for one in answers["error"])})
            fresh += len(chunk.rows)
        for name, n in read_json(count).items():
            account[name] += n
        parts.append(part)
        now = time.monotonic()
        if now - told > PAUSE or chunk.share == 1.0:
            told, rate = now, fresh / max(now - start, 1e-3)
            _say(f"{account['rows']:,} rows, {chunk.share:.0%}, {rate:,.1f} a second, {account['errors']:,} errors")
    return parts, account


def _answers(
    model: answering.Answerer, chunk: chunks.Chunk, named: dict[str, str], seed: int | None
) -> dict[str, list]:
    """The new columns of one chunk."""
    sound = [at for at in range(len(chunk.rows)) if at not in chunk.flaws]
    rows = [{ours: row[theirs] for ours, theirs in named.items() if theirs in row}
            for row in (chunk.rows[at] for at in sound)]  # fmt: skip
    told = dict(zip(sound, model.answer(rows, seed), strict=True))
    each = [told.get(at, answering.Answer(None, error=chunk.flaws.get(at))) for at in range(len(chunk.rows))]
    return {
        "answer": [one.text for one in each],
        "confidence": [None if one.confidence is None else round(one.confidence, 6) for one in each],
        "error": [one.error and one.error.encode("utf-8", "replace").decode() for one in each],
    }


def _added(found: origin.Origin) -> list[str]:
    labels = tasks.load(found.recipe.task).labels and found.recipe.model.head == "labels"
    return ["answer", "confidence", "error"] if labels else ["answer", "error"]


def _named(given: str, task: str, there: list[str], file: str) -> dict[str, str]:
    """Column of the task → column of the file. Refuses a column that no task reads, and a table that lacks one."""
    named, wanted = {name: name for name in asked.columns(task)}, set(asked.NEEDED[task])
    for pair in filter(None, given.split(",")):
        ours, _, theirs = pair.partition("=")
        if ours not in named or not theirs:
            raise Refusal(f"column=the file's own name for it, of {', '.join(named)}", pair, "--columns", "correct it")
        named[ours] = theirs
        wanted.add(ours)
    lacking = [ours for ours in named if ours in wanted and there and named[ours] not in there]
    if lacking:
        say = ",".join(f"{ours}=<its name there>" for ours in lacking)
        raise Refusal(f"the column{'s' * (len(lacking) > 1)} {', '.join(named[ours] for ours in lacking)}",
                      ", ".join(there), file, f"rename, or say --columns {say}")  # fmt: skip
    return named


def _whole(text: str, where: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20 or not least <= int(text) <= MOST:
        raise Refusal(f"a whole number of at least {least} and at most {MOST}", text, where, "correct it")
    return int(text)


def _plan(found: origin.Origin, source: Path, size: int, named: dict, seed: int | None) -> dict:
    """All that the bytes of a part follow from: a run that differs in any of it begins anew."""
    folders = [found.folder, *([found.base] if found.base else [])]
    files = [path for folder in folders for path in Path(folder).iterdir() if path.is_file() and path.suffix != ".md"]
    learnt = found.learnt.glob("*.arrow") if found.learnt else []
    code = Path(__file__).parent
    stated = numerics.stated(found.numerics)
    stated.pop("blas")  # it tells what is loaded so far, and a model loads more
    return {
        "file": _sha256(source),
        "model": {f"{path.parent.name}/{path.name}": _sha256(path) for path in sorted(files)},
        "learnt": {path.name: _sha256(path) for path in sorted(learnt)},
        "code": {str(path.relative_to(code)): _sha256(path) for path in sorted(code.rglob("*.py"))},
        "device": numerics.device_name(),
        "recipe": found.recipe.model_dump(mode="json", by_alias=True),
        "numerics": stated,
        "language": found.language,
        "seed": found.seed if seed is None else seed,
        "rows": size,
        "columns": named,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """The folder beside `target` in which parts wait, for this process alone."""
    folder = target.with_name(f".{target.name}.parts.partial")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal("one run at a time", "another that writes there", str(target), "wait for it") from error
        yield folder


def _go_on(folder: Path, plan: dict) -> None:
    """Keep the parts that a run before this one left whole; throw those of another plan away."""
    plan = json.loads(json.dumps(plan))
    if (folder / PLAN).is_file() and read_json(folder / PLAN) == plan:
        _say(f"going on behind {len(list(folder.glob('????????.json')))} parts that are done")
        return
    for path in folder.iterdir():
        if path.name != "lock":
            path.unlink()
    write_json(folder / PLAN, plan)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def command() -> None:
    """The command line, whose words `run` hands to `main`."""
    parser = argparse.ArgumentParser(prog="python -m stages.predict", description=__doc__.splitlines()[0])
    parser.add_argument("model", help="data/models/<recipe>, a published folder, or owner/name@tag")
    parser.add_argument("file", help="csv, jsonl or parquet")
    parser.add_argument("out", help="of the same format; written whole or not at all")
    parser.add_argument("--rows", default=str(ROWS), help="rows answered, and kept, together")
    parser.add_argument("--columns", default="", help="text=review,rating=stars: the file's own names")
    parser.add_argument(
        "--seed", default="", help="of the draws; unless given, that of params.yaml; 0 for a published model"
    )
    told = parser.parse_args()
    run(main, [told.model, told.file, told.out, told.rows, told.columns, told.seed])


if __name__ == "__main__":
    command()
