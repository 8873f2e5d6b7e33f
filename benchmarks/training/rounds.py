"""Measurements in alternating rounds: each a process of its own, a b c a b c …, so that none has the quiet hours."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def one(asked: dict, threads: int) -> dict:
    """What a process of its own measures; ends the benchmark where it fails."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.training.one", json.dumps(asked)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[-1]} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def alternating(all_: dict[str, dict], rounds: int, threads: int) -> dict[str, list[dict]]:
    """name → what each round found."""
    found = {name: [] for name in all_}
    for number in range(1, rounds + 1):
        for name, asked in all_.items():
            told = one(asked, threads)
            found[name].append(told)
            said = ", ".join(f"{key} {value:,.4g}" for key, value in told.items() if isinstance(value, int | float))
            print(f"round {number} of {rounds}, {name}: {said[:200]}", flush=True)
    return found


def medians(found: list[dict], spread: tuple[str, ...] = ("tokens_per_second",)) -> dict:
    """The median of every number over the rounds, and the least and the most of some."""
    numbers = {key for key, value in found[0].items() if isinstance(value, int | float)}
    told = {key: significant(statistics.median(one[key] for one in found)) for key in numbers}
    spreads = {f"{key}_spread": [significant(pick(one[key] for one in found)) for pick in (min, max)] for key in spread}
    return told | {key: value for key, value in spreads.items() if key.removesuffix("_spread") in numbers}


def significant(number: float) -> float:
    """Four digits, which is more than a spread leaves."""
    return number if isinstance(number, int) else float(f"{number:.4g}")
