"""Every stage of a small DAG on a disk that is full, and with a write that fails: run by tests/test_faults.py.

    python faults.py SEED STAGE...     in an empty folder that is a file system of its own

Each node of these stages runs four times: undisturbed; with the disk full but for a few KiB; with the n-th write to its
folder failing, n drawn by the seed; and undisturbed again. One line of JSON says what came of it.
"""

import errno
import hashlib
import io
import json
import os
import random
import re
import shutil
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SPARE = 8 << 10  # bytes left on a disk that is full: a folder and the first small file may still be made
TINY = {
    "corpus": "places",
    "vocabulary": 400,
    "width": 32,
    "layers": 1,
    "heads": 2,
    "epochs": 1,
    "batch": 32,
    "lr": 1e-3,
}
# They say how long it took, or when; a card does, and so the manifest beside it.
UNLIKE = re.compile(r"/(seconds|speed|baselines|live|docs)/|/comparison\.|/published/.*/(README\.md|manifest\.json)$")


def settings() -> dict:
    """One source, one base, one recipe, all small."""
    own = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    places = own["sources"]["places"]
    places["collect"]["rows"] = 500
    wide = {"rows": {"low": 100}, "rating_divergence": 0.9, "rating_share": {5: {"low": 0.1}}}
    places["validate"] = {**places["validate"], **wide}
    recipe = {
        "task": "review_generation",
        "rows": {"from": "places", "limit": {"train": 32, "validation": 8, "test": 8}},
        "model": {"family": "seq2seq", "base": "bases/t5", "prompt_tokens": 96, "target_tokens": 96,
                  "truncated_share": 1.0},
        "method": {"kind": "full", "epochs": 1, "lr": 1e-3, "batch": 16},
        "predict": {"batch": 8},
    }  # fmt: skip
    release = {"repo": "mill/t5", "task": "review_generation", "source": "places", "base": "bases/t5",
               "license": "apache-2.0", "bar": {"keyword_recall": 0.0},
               "bar_by_rating": {"keyword_recall": 0.0}}  # fmt: skip
    return own | {
        "sources": {"places": places},
        "numerics": {"threads": 1, "matmul": "highest", "dtype": "float32"},
        "tracking": [],
        "bases": {"t5": TINY | {"family": "seq2seq"}},
        "pretrained": {},
        "judges": {"places": {"base": "bases/t5", "rows": 200}},
        "recipes": {"t5": recipe},
        "publish": {"t5": release},
        "datasets": {"places": own["datasets"]["places"]},
    }


def nodes(params: dict, draw: random.Random) -> list[tuple[str, list[str], list[str]]]:
    """(stage, words of its command, its outputs), in one of the orders in which they can run."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    found, made = {}, {}
    for stage, of in stages.items():
        for key, item in (params[of["foreach"][2:-1]] or {}).items():

            def filled(text, key=key, item=item):  # fmt: skip
                def value(match):
                    place = item
                    for word in match[1].split(".")[1:]:
                        place = place[word]
                    return key if match[1] == "key" else str(place)

                return re.sub(r"\$\{([\w.]+)\}", value, text)

            paths = {
                kind: [filled(next(iter(one)) if isinstance(one, dict) else one) for one in of["do"].get(kind, [])]
                for kind in ("deps", "outs", "metrics", "plots")
            }
            outs = paths["outs"] + paths["metrics"] + paths["plots"]
            found[stage, key] = (stage, filled(of["do"]["cmd"]).split()[3:], paths["deps"], outs)
            made |= dict.fromkeys(outs, (stage, key))
    edges = {
        node: {made[out] for dep in deps for out in made if out == dep or out.startswith(f"{dep}/")} - {node}
        for node, (_, _, deps, _) in found.items()
    }
    order, ready, ordered = TopologicalSorter(edges), [], []
    order.prepare()
    while order.is_active():
        ready += sorted(order.get_ready())
        node = ready.pop(draw.randrange(len(ready)))
        ordered.append((found[node][0], found[node][1], found[node][3]))
        order.done(node)
    return ordered


def run(stage: str, words: list[str]) -> str | None:
    """Run the stage as its main guard does; what it said when it ended badly."""
    from stages import refusal

    try:
        refusal.run(import_module(f"stages.{stage}").main, words)
    except SystemExit as end:
        return str(end.code)
    except Exception as error:
        return f"Traceback: {type(error).__name__}: {error}"
    return None


def digests(outs: list[str]) -> dict[str, str]:
    """Path → sha256 of every file of the outputs that is to be the same each time."""
    files = [file for out in outs for file in ([Path(out)] if Path(out).is_file() else Path(out).rglob("*"))]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file() and not UNLIKE.search(str(file))
    }


def left() -> list[str]:
    """Half-made files that a failed stage left lying."""
    return [str(path) for path in Path("data").rglob(".*") if path.name.endswith(".partial")]


class Full:
    """The disk is full but for SPARE bytes."""

    def __enter__(self):
        with Path("filler").open("wb", buffering=0) as file:
            free = shutil.disk_usage(".").free - SPARE
            file.write(bytes(max(0, free)))

    def __exit__(self, *_):
        Path("filler").unlink()


class Failing:
    """The n-th opening of a file for writing, or renaming, below data/ fails."""

    def __init__(self, number: int):
        self.left, self.real = number, (io.open, os.replace, os.rename)

    def __enter__(self):
        opened, *moves = self.real

        def writing(file, mode="r", *words, **more):
            if set(mode) & set("wax+") and isinstance(file, str | os.PathLike):
                self.count(file)
            return opened(file, mode, *words, **more)

        def moving(real):
            def move(source, target, **more):
                self.count(target)
                return real(source, target, **more)

            return move

        io.open = __builtins__.open = writing
        os.replace, os.rename = map(moving, moves)
        return self

    def count(self, path) -> None:
        if "data" in Path(path).parts:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    def __exit__(self, *_):
        io.open, os.replace, os.rename = self.real
        __builtins__.open = self.real[0]


def main(seed: str, *wanted: str) -> None:
    sys.path.insert(0, str(ROOT))
    draw = random.Random(int(seed))
    Path("params.yaml").write_text(yaml.safe_dump(settings(), allow_unicode=True), "utf-8")
    if not Path("stages").exists():  # else it is a clone of the project
        for part in ("stages", "requirements.lock"):
            Path(part).symlink_to(ROOT / part)
        shutil.copytree(ROOT / "data/reports/accepted", "data/reports/accepted")
    for stage, words, outs in nodes(settings(), draw):
        told = {"stage": stage, "undisturbed": run(stage, words), "left": []}
        before = told["digests"] = digests(outs)
        if stage in wanted:
            number = draw.randint(1, 4)
            for name, trouble in (("full", Full()), ("failing", Failing(number))):
                with trouble:
                    told[name] = run(stage, words)
                now = digests(outs)
                told[f"{name}_changed"] = [path for path in before if now.get(path) != before[path]]
                told["left"] += left()
            told |= {"again": run(stage, words), "number": number}
            told["differs"] = [path for path in before if digests(outs).get(path) != before[path]]
            told["outputs"] = len(before)
        print("told " + json.dumps(told, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
