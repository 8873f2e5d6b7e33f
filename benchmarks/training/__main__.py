"""Training measured side by side: the prior art's way, the stock ways and ours.

    python -m benchmarks.training --parts ways loss --shapes t5-tiny t5-small [--methods full lora] [--data FILE]
        [--rows 512] [--seconds 60] [--rounds 3] [--threads 2]

Each measurement is a process of its own; those of a part take turns, and medians, spreads and ratios are kept.

ways      real tokens (input and target, no padding) and examples a second, peak memory, GFLOP a second and their share
          of what the machine's matrix products reach in the same rounds
loss      validation loss over seconds and over tokens
switches  each switch of the numerics alone: its gain, and how far loss and gradients are from float64
growth    1, 4 and 16 times the rows; inputs of 64 to 4,096 tokens
profile   the operators that a step's time goes to
start     a stage's start, from the process to `main`
gpu       the ways on a GPU in bfloat16; refuses where there is none

--data is a parquet file with a column `text`, or `sample`; without it ids are random, with lengths like those of
reviews. Prints tables and merges what was found into benchmarks/results/training.json: part, then shape, method and
data.
"""

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.training.parts import PARTS, Asked
from benchmarks.training.rounds import ROOT
from benchmarks.training.shapes import SHAPES
from stages.refusal import Refusal

RESULTS = ROOT / "benchmarks/results/training.json"
PACKAGES = ("torch", "transformers", "accelerate", "peft", "numpy")


def machine() -> dict:
    """When, of what commit, on what, by what command."""

    def said(*words: str) -> str:
        known = shutil.which(words[0])
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout.strip() if known else ""

    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    return {
        "date": date.today().isoformat(),
        "commit": said("git", "rev-parse", "--short", "HEAD"),
        "dirty": bool(said("git", "status", "--porcelain", "--untracked-files=no")),
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "gpu": said("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader") or None,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    }


def keep(path: Path, part: str, found: dict, about: dict) -> None:
    """Merge what was found under its names; what other runs found under others stays."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    known[part] = known.get(part, {}) | {name: of | {"about": about} for name, of in found.items()}
    path.write_text(json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=["ways"])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["t5-tiny"])
    parser.add_argument("--methods", nargs="+", choices=("full", "lora"), default=["full"])
    parser.add_argument("--data", default="random", help="a parquet file with a column text, sample, or random")
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=60, help="of steps measured at each turn, after a warm-up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tokens", type=int, default=4096, help="positions of a batch of ours")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    words = vars(parser.parse_args())
    parts, results = words.pop("parts"), words.pop("results")
    asked = Asked(**words)
    spoken = [Path(word).name for word in sys.argv[1:]]  # where data lie is this machine's
    command = f"python -m benchmarks.training {shlex.join(spoken)}"
    for part in parts:
        about = machine() | {"command": command}
        try:
            keep(results, part, PARTS[part](asked), about)
        except Refusal as refusal:
            sys.exit(f"refused: {refusal}")


if __name__ == "__main__":
    main()
