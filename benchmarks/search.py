"""Which LoRA to take: rank, α, modules and rate of one recipe tried as DVC experiments, ranked by validation loss.

    python -m benchmarks.search review_generation-places-lora

Run in a clone whose recipe has been tokenized (`make repro`). Each trial is one `dvc exp run` of the recipe's train
stage with other values of params.yaml's method; test rows are never looked at. Writes every trial with its loss, its
trainable parameters and its steps to benchmarks/results/search-<recipe>.csv, the best first. `dvc exp list` keeps them;
`dvc exp apply <name>` lays one over the workspace. Run again after a stop, it goes on with the trials that are missing.
"""

import argparse
import csv
import json
import subprocess
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
QUERY_VALUE, EVERY = ("q", "v"), ("q", "k", "v", "o", "wi_0", "wi_1", "wo")
TRIALS = (  # rank, alpha, targets, lr
    (4, 16, QUERY_VALUE, 1.0e-3),  # as the prior art had it
    (4, 16, QUERY_VALUE, 3.0e-3),
    (16, 32, QUERY_VALUE, 3.0e-3),
    (4, 16, EVERY, 3.0e-3),
    (16, 32, EVERY, 1.0e-3),
    (16, 32, EVERY, 3.0e-3),
    (64, 64, EVERY, 3.0e-3),
)
SETTINGS = ("rank", "alpha", "targets", "lr")


def dvc(*words: str) -> str:
    """What the command prints; its errors and progress go on to the terminal. Raises when it fails."""
    return subprocess.run(["dvc", *words], check=True, text=True, stdout=subprocess.PIPE).stdout


def shown(told: list[dict], recipe: str) -> list[dict]:
    """The trials of the recipe among what `dvc exp show --json` told, the lowest validation loss first.

    Those that failed, still wait, or are of another recipe have no report of its training, and are left out.
    """
    found, path = [], f"data/reports/train/{recipe}.json"
    for trial in (one for commit in told for one in commit.get("experiments") or []):
        data = (trial.get("revs") or [{}])[-1].get("data") or {}
        report = ((data.get("metrics") or {}).get(path) or {}).get("data")
        if not report:
            continue
        method = data["params"]["params.yaml"]["data"]["recipes"][recipe]["method"]
        found.append(
            {name: " ".join(method[name]) if name == "targets" else method[name] for name in SETTINGS}
            | {"trainable_parameters": report["trainable_parameters"], "steps": report["steps"]}
            | {"validation_loss": report["validation_loss"]["best"], "experiment": trial["name"]}
        )
    return sorted(found, key=lambda one: one["validation_loss"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    recipe = parser.parse_args().recipe
    known = [[one[name] for name in SETTINGS] for one in shown(json.loads(dvc("exp", "show", "--json")), recipe)]
    for rank, alpha, targets, lr in TRIALS:
        if [rank, alpha, " ".join(targets), lr] in known:
            continue
        told = {"rank": rank, "alpha": alpha, "targets": f"[{','.join(targets)}]", "lr": lr}
        words = [word for name, value in told.items() for word in ("-S", f"recipes.{recipe}.method.{name}={value}")]
        print(dvc("exp", "run", "--temp", *words, f"train@{recipe}"))
    rows = shown(json.loads(dvc("exp", "show", "--json")), recipe)
    with (RESULTS / f"search-{recipe}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
