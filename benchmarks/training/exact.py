"""How far a way's loss and gradients are from those in float64."""

from pathlib import Path

import datasets
from torch.nn.functional import cross_entropy
from transformers import TrainerCallback

from benchmarks.training.shapes import SHAPES, build
from benchmarks.training.ways import ours
from stages.models import family


def exact(folder: str, shape: str, method: str, seed: int, rows: int, way: str, settings: dict) -> dict:
    """How far loss and gradients of one update of ours, on so many rows, are from those in float64, relatively.

    Of gradients: the greatest difference of any element by the greatest of its tensor, the worst tensor; and the norm
    of all differences by the norm of all gradients. Where transformers' own code calculates in float32 whatever the
    weights are (T5's norms and softmax), so does what is compared with; less than about 1e-7 cannot be told.
    """
    assert way == "ours"
    place, kind = Path(folder), family(SHAPES[shape].family)
    told = datasets.load_from_disk(str(place / "train")).select(range(rows))
    model, tokenizer = build(shape, method, place / "tokenizer", seed)
    double = model.double().eval()
    batch = kind.collator(tokenizer, double)(list(told))
    labels = batch.pop("labels")
    logits = double(**batch).logits
    if SHAPES[shape].family == "causal":
        logits, labels = logits[:, :-1], labels[:, 1:]
    of_double = cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
    of_double.backward()
    right = {name: weight.grad for name, weight in double.named_parameters() if weight.grad is not None}
    model, tokenizer = build(shape, method, place / "tokenizer", seed)
    found = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            weight.register_post_accumulate_grad_hook(lambda w, name=name: found.update({name: w.grad.double().cpu()}))
    whole = {"tokens": 10**6} if settings.get("tokens") else {"batch": rows}
    done = ours(model, tokenizer, told, SHAPES[shape].family, lambda counted: TrainerCallback(), seed, 1e-9,
                validation=told, epochs=1, **settings | whole)  # fmt: skip
    assert done.steps == 1 and found.keys() == right.keys()
    apart = {name: found[name] - right[name] for name in right}
    worst = {name: (apart[name].abs().max() / right[name].abs().max().clamp(min=1e-30)).item() for name in right}
    norm = sum(one.square().sum() for one in apart.values()) / sum(one.square().sum() for one in right.values())
    return {
        "loss": abs(done.curve[0]["train_loss"] - of_double.item()) / of_double.item(),
        "gradient": max(worst.values()),
        "gradient_norm": norm.sqrt().item(),
        "worst_tensor": max(worst, key=worst.get),
    }
