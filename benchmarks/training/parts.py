"""What is measured: each part gives names and what was found under them, and says it in a table."""

import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.training import curves, tables
from benchmarks.training.asked import Asked
from benchmarks.training.rounds import ROOT, alternating, medians, one, significant
from benchmarks.training.shapes import SHAPES
from stages.numerics import dtype
from stages.refusal import Refusal

PADDED, STOCK, GROUPED, BEST = "padded to 512, batch 8", "stock, batch 8", "grouped by length, batch 8", "stock, best"
BATCHES = (8, 16, 32)
SWITCHES = {
    "matmul high": {"matmul": "high"},
    "matmul medium": {"matmul": "medium"},
    "bfloat16": {"dtype": "bfloat16"},
    "loss_rows 1024": {"loss_rows": 1024},
    "bfloat16, loss_rows 1024": {"dtype": "bfloat16", "loss_rows": 1024},
    "sdpa": {"attention": "sdpa"},
    "compile": {"compile": True},
    "not fused": {"fused": False},
}
STEPS = 10  # of a profile
TIMES = (1, 4, 16)  # the rows of part growth, as multiples
LENGTHS, FEWEST = (64, 256, 1024, 4096), 4
GPU_BATCHES, GPU_TOKENS = (8, 32, 128), (16_384, 65_536)
GPU_ROWS = 8192  # at least: a batch there is as large as a whole part elsewhere


def ways(asked: Asked) -> dict:
    """The prior art's way, the stock ones and ours, for each shape, in full and with LoRA."""
    all_ = {
        PADDED: asked.plain(batch=8, pad=512),
        **{f"stock, batch {batch}": asked.plain(batch=batch) for batch in BATCHES},
        GROUPED: asked.plain(batch=8, grouped=True),
        "ours, float32": asked.ours(),
        "ours, medium": asked.ours({"matmul": "medium"}),
        "ours, default": asked.default(),
    }
    return {name: side_by_side(asked, all_, name, shape, method) for name, shape, method in each(asked)}


def gpu(asked: Asked) -> dict:
    """The same ways on a GPU, all in bfloat16."""
    if not torch.cuda.is_available():
        raise Refusal("a GPU that torch can use", "none", "--parts gpu", "run this part where there is one")
    asked = replace(asked, rows=max(asked.rows, GPU_ROWS))
    all_ = {
        PADDED: asked.plain(batch=8, pad=512, bf16=True),
        **{f"stock, batch {batch}": asked.plain(batch=batch, bf16=True) for batch in GPU_BATCHES},
        GROUPED: asked.plain(batch=8, grouped=True, bf16=True),
        **{f"ours, {tokens:,} tokens": asked.default(tokens=tokens) for tokens in GPU_TOKENS},
    }
    return {name: side_by_side(asked, all_, name, shape, method, whole=False) for name, shape, method in each(asked)}


def side_by_side(asked: Asked, all_: dict[str, dict], title: str, shape: str, method: str, whole: bool = True) -> dict:
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        told = asked.fold(folder, shape)
        found = asked.timed(all_, folder, shape, method, whole)
    rates = medians(found.pop("products"), ("float32", "medium", "bfloat16"))
    result = {name: medians(of) for name, of in found.items()}
    for name, of in result.items():
        of["share_of_product"] = significant(of["gflop_per_second"] / rates[product(all_[name]["settings"])])
    compared = compare(result)
    tables.speeds(title, result, compared)
    return {"rows": told, "products_gflop_per_second": rates, "ways": result, "times": compared}


def product(settings: dict) -> str:
    """Which of the measured products the way is made of."""
    numerics = settings.get("numerics", {})
    if settings.get("bf16") or (numerics and dtype(numerics["dtype"]) == "bfloat16"):
        return "bfloat16"
    return "float32" if numerics.get("matmul", "highest") == "highest" else "medium"


def compare(result: dict[str, dict]) -> dict[str, dict[str, float]]:
    """way → how many times as many tokens a second as the padded, the stock, the best stock and the grouped way."""
    speed = {name: of["tokens_per_second"] for name, of in result.items()}
    bases = {name: speed[name] for name in (PADDED, STOCK, GROUPED) if name in speed}
    bases[BEST] = max(of for name, of in speed.items() if name.startswith("stock"))
    return {name: {base: significant(of / slow) for base, slow in bases.items()} for name, of in speed.items()}


def each(asked: Asked) -> list[tuple[str, str, str]]:
    """What findings are kept under, the shape, the method."""
    return [(asked.named(shape, method), shape, method) for shape in asked.shapes for method in asked.methods]


def loss(asked: Asked) -> dict:
    """Validation loss over seconds and over tokens: what a way's speed is worth. Of random rows nothing is learnt."""
    found, asked = {}, replace(asked, data="sample" if asked.data == "random" else asked.data)
    for title, shape, method in each(asked):
        with tempfile.TemporaryDirectory(prefix="training-") as folder:
            told = asked.fold(folder, shape)
            all_ = {
                PADDED: asked.plain(batch=8, pad=512),
                STOCK: asked.plain(batch=8),
                GROUPED: asked.plain(batch=8, grouped=True),
                "ours, as many tokens a step": asked.default(tokens=math.ceil(8 * told["tokens_per_row"])),
                "ours, float32": asked.ours(),
                "ours, default": asked.default(),
            }
            courses = {
                name: asked.of("course", way, folder, shape, method, seconds=asked.seconds, lr=asked.lr)
                for name, way in all_.items()
            }
            points = {name: of[-1]["points"] for name, of in alternating(courses, 1, asked.threads).items()}
        quick = {name: of for name, of in points.items() if name != PADDED}
        reached = {PADDED: curves.against(points, PADDED), STOCK: curves.against(quick, STOCK)}
        found[title] = {"rows": told, "points": points, "against": reached}
        tables.losses(title, reached)
    return found


def switches(asked: Asked) -> dict:
    """Each switch of the numerics alone: what it gives, and how far it takes loss and gradients from float64."""
    all_ = {"base": asked.ours()} | {name: asked.ours(numerics) for name, numerics in SWITCHES.items()}
    all_["checkpointing"] = asked.ours(checkpointing=True)
    all_["32 rows, not tokens"] = asked.ours(batch=32, tokens=None)
    found = {}
    for title, shape, method in each(asked):
        if SHAPES[shape].family == "seq2seq":  # a packed decoder's padding cannot be told from its closing tokens
            all_["packing"] = asked.ours(packing=True)
        else:
            all_.pop("packing", None)
        with tempfile.TemporaryDirectory(prefix="training-") as folder:
            told = asked.fold(folder, shape)
            speeds = asked.timed(all_, folder, shape, method)
            speeds.pop("products")
            exact = {
                name: one(asked.of("exact", way, folder, shape, method, rows=8), asked.threads)
                for name, way in all_.items()
            }
        result = {name: medians(speeds[name]) | {"from_float64": exact[name]} for name in all_}
        first = result["base"]
        for of in result.values():
            of["gain"] = significant(of["tokens_per_second"] / first["tokens_per_second"])
            of["memory"] = significant(of["peak_mib"] / first["peak_mib"])
        found[title] = {"rows": told, "switches": result}
        tables.gains(title, result)
    return found


def growth(asked: Asked) -> dict:
    """Speed and memory of ours as rows grow in number, and as inputs grow in length, activations kept or not."""
    cases = {f"{times} × {asked.rows} rows": {"rows": times * asked.rows} for times in TIMES}
    for length in LENGTHS:  # so many tokens of input in all, and a few steps of the longest
        rows = max(FEWEST, asked.rows * LENGTHS[0] // length)
        cases[f"{length} tokens"] = {"data": "random", "lengths": [length, 64], "rows": rows}
    found = {}
    for title, shape, method in each(asked):
        with tempfile.TemporaryDirectory(prefix="training-") as place:
            all_ = {}
            for name, case in cases.items():
                folder = str(Path(place, name))
                asked.fold(folder, shape, **case)
                all_[name] = asked.speed(asked.default(), folder, shape, method)
                if "lengths" in case:
                    way = asked.default(checkpointing=True)
                    all_[f"{name}, checkpointing"] = asked.speed(way, folder, shape, method)
            told = alternating(all_, asked.rounds, asked.threads)
        found[title] = {name: medians(of) for name, of in told.items()}
        tables.growths(title, found[title])
    return found


def profile(asked: Asked) -> dict:
    """Which operators a step of ours spends its time in."""
    found = {}
    for title, shape, method in each(asked):
        with tempfile.TemporaryDirectory(prefix="training-") as folder:
            asked.fold(folder, shape)
            way = asked.of("profile", asked.default(), folder, shape, method, steps=STEPS, lr=asked.lr)
            found[title] = one(way, asked.threads)
        tables.shares(title, found[title]["shares"])
    return found


def start(asked: Asked) -> dict:
    """Seconds to a stage's `main`: called without words it imports everything and only says how to call it."""
    verbs = sorted(set(re.findall(r"python -m (stages\.\w+)", (ROOT / "dvc.yaml").read_text("utf-8"))))
    took = {verb: [] for verb in verbs}
    for _ in range(asked.rounds):
        for verb, seconds in took.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", verb], cwd=ROOT, capture_output=True)
            seconds.append(time.perf_counter() - began)
    look = "import importlib, sys; importlib.import_module(sys.argv[1]); print('torch' in sys.modules)"
    found = {}
    for verb, seconds in took.items():
        told = subprocess.run([sys.executable, "-c", look, verb], cwd=ROOT, capture_output=True, text=True, check=True)
        found[verb] = {
            "seconds": significant(statistics.median(seconds)),
            "seconds_spread": [significant(min(seconds)), significant(max(seconds))],
            "torch": told.stdout.strip() == "True",
        }
    tables.starts(found)
    return {"stages": found}


PARTS = {of.__name__: of for of in (ways, loss, switches, growth, profile, start, gpu)}
