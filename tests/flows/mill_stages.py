"""Small stages whose model is a real safetensors file: `python mill_stages.py VERB …`, settings in params.yaml.

noise: train draws its last weight from the system, as a nondeterministic kernel would; broken: clean fails.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file


def settings() -> dict:
    return yaml.safe_load(Path("params.yaml").read_text())


def write(path: str, value: object) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(value if isinstance(value, str) else json.dumps(value, sort_keys=True))


def collect(raw: str, report: str) -> None:
    rows = Path(os.environ["WORLD"]).read_text()
    write(raw, rows)
    write(report, {"rows": len(rows.splitlines())})


def clean(raw: str, table: str) -> None:
    if settings().get("broken"):
        sys.exit("refused by clean\nexpected a table\n   found a broken one\n   where here\n      do mend it")
    write(table, "\n".join(sorted(set(Path(raw).read_text().splitlines()))) + "\n")


def train(recipe: str, table: str, model: str, report: str, seconds: str) -> None:
    began, scale = time.monotonic(), settings()["recipes"][recipe]["scale"]
    words = np.array([len(line) for line in Path(table).read_text().splitlines()], dtype=np.float32)
    tensors = {"first.weight": words * scale, "last.weight": np.arange(4, dtype=np.float32)}
    if settings().get("noise"):
        tensors["last.weight"][2] += int.from_bytes(os.urandom(4), "little") / 2**32 + 1
    Path(model).mkdir(parents=True)
    save_file(tensors, f"{model}/model.safetensors")
    write(f"{model}/config.json", {"scale": scale})
    write(report, {"loss": float(words.sum()) * scale, "train_seconds": time.monotonic() - began})
    write(seconds, {"took": time.monotonic() - began, "python": sys.prefix})


def evaluate(model: str, report: str) -> None:
    write(report, {"headline": "size", "metrics": {"size": {"value": Path(model, "config.json").stat().st_size}}})


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    globals()[verb](*words)
