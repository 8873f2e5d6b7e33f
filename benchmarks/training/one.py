"""One measurement, as a process of its own, so that memory, threads and kernels are its own.

    python -m benchmarks.training.one '{"measure": "speed", …}'

Prints what it found as a last line of JSON. `speed`, `course`, `profile` and `exact` train a model; `products` times
matrix products alone; `prepare` writes the rows that the others read.
"""

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import datasets
import torch

from benchmarks.training.exact import exact
from benchmarks.training.rows import prepare
from benchmarks.training.shapes import SHAPES, build, work
from benchmarks.training.watching import WARM, Clock, Counted, Course, Profile, as_defined, moment, peak
from benchmarks.training.ways import ours, plain
from stages.models import adapters, family
from stages.models import tokenizer as tokenizers

SIDE = 2048  # of the matrices whose product is timed on a CPU
SIDE_GPU = 8192


def train(
    folder: str, shape: str, method: str, seed: int, lr: float, way: str, settings: dict, watch: Callable
) -> torch.nn.Module:
    """Train the shape's model on the rows of `folder` that way, with what `watch` makes of the counts; the model."""
    place, of = Path(folder), SHAPES[shape].family
    rows, validation = (datasets.load_from_disk(str(place / split)) for split in ("train", "validation"))
    model, tokenizer = build(shape, method, place / "tokenizer", seed)
    if way == "plain":
        plain(model, tokenizer, rows, of, watch, seed, lr, **settings)
    else:
        ours(model, tokenizer, rows, of, watch, seed, lr, validation=validation, **settings)
    return model


def speed(folder: str, shape: str, method: str, seconds: float, whole: bool, **asked) -> dict:
    """Real tokens and examples a second, over whole epochs or not, padding, peak memory, useful GFLOP a second.

    Where all is padded to one length every step costs the same: there steps are timed, not epochs, and the tokens are
    those of as many rows of mean length.
    """
    watched = {}
    padded = bool(asked["settings"].get("pad"))

    def watch(counted: Counted) -> Clock:
        watched.update(counted=counted, clock=Clock(seconds, whole=whole and not padded))
        return watched["clock"]

    before = peak()
    model = train(folder, shape, method, watch=watch, **asked)
    counted, clock, of = watched["counted"], watched["clock"], SHAPES[shape].family
    made = counted.made[WARM : clock.step]
    inputs, targets, examples, places = (sum(one[i] for one in made) for i in range(4))
    tokens = counted.tokens(WARM, clock.step)
    took = clock.last - clock.first
    per_input, per_target = work(model, of)
    share = 1.0
    if padded:
        rows = datasets.load_from_disk(str(Path(folder) / "train"))
        share = sum(rows["length"]) / len(rows) * examples / tokens
    learning, size = adapters.count(model)
    return {
        "tokens_per_second": tokens * share / took,
        "examples_per_second": examples / took,
        "gflop_per_second": (inputs * per_input + targets * per_target) * share / took / 1e9,
        "padding_share": 1 - tokens * share / places,
        "steps": len(made), "seconds": took, "step_seconds": took / len(made),
        "peak_mib": peak(), "start_mib": before, "parameters": size, "trainable_parameters": learning,
    }  # fmt: skip


def validation_loss(kind, tokenizer, rows: datasets.Dataset, batch: int = 32) -> Callable:
    """A model → its mean cross-entropy per target token of the rows, nats, in float32 whatever it is trained in."""
    lengths = [len(row["input_ids"]) for row in rows]

    @torch.inference_mode()
    def evaluate(model: torch.nn.Module) -> float:
        collator, total, tokens, learning = kind.collator(tokenizer, model), 0.0, 0, model.training
        model.eval()
        for chosen in tokenizers.batches(lengths, batch):
            made = {name: of.to(model.device) for name, of in collator([rows[i] for i in chosen]).items()}
            labels = made.pop("labels")
            with as_defined(model):
                outputs = model(**made)
            total += kind.loss(outputs, labels, num_items_in_batch=1).item()
            tokens += labels.ne(-100).sum().item()
        model.train(learning)
        return total / tokens

    return evaluate


def course(folder: str, shape: str, method: str, seconds: float, **asked) -> dict:
    """Validation loss over the seconds of a training and the tokens it has seen."""
    kind, watched = family(SHAPES[shape].family), []
    rows = datasets.load_from_disk(str(Path(folder) / "validation"))
    evaluate = validation_loss(kind, tokenizers.load(Path(folder) / "tokenizer"), rows)

    def watch(counted: Counted) -> Course:
        watched.append(Course(seconds, counted, evaluate))
        return watched[0]

    train(folder, shape, method, watch=watch, **asked)
    points = watched[0].points
    return {"points": points, "tokens": points[-1][1], "loss": points[-1][2]}


def profile(steps: int, **asked) -> dict:
    """Operator → share of the time of so many steps."""
    watched = []

    def watch(counted: Counted) -> Profile:
        watched.append(Profile(steps))
        return watched[0]

    train(watch=watch, **asked)
    return {"steps": steps, "shares": watched[0].shares()}


def products(threads: int, repeats: int) -> dict:
    """GFLOP a second of square products, medians: float32, float32 with precision medium, bfloat16."""
    torch.set_num_threads(threads)
    where = "cuda" if torch.cuda.is_available() else "cpu"
    side = SIDE_GPU if where == "cuda" else SIDE
    kinds = {"float32": (torch.float32, "highest"), "medium": (torch.float32, "medium")}
    kinds["bfloat16"] = (torch.bfloat16, "highest")
    found = {}
    for name, (kind, precision) in kinds.items():
        torch.set_float32_matmul_precision(precision)
        left, right = (torch.randn(side, side, device=where).to(kind) for _ in range(2))
        took = []
        for _ in range(repeats + 3):
            start = moment()
            left @ right
            took.append(moment() - start)
        found[name] = 2 * side**3 / statistics.median(took[3:]) / 1e9
    return {"side": side} | found


KNOWN = {of.__name__: of for of in (prepare, speed, course, exact, profile, products)}


def main(asked: str) -> None:
    words = json.loads(asked)
    datasets.disable_progress_bars()
    print(json.dumps(KNOWN[words.pop("measure")](**words)))


if __name__ == "__main__":
    main(sys.argv[1])
