"""Train a recipe's model from its base: all weights, or an adapter.

Reads   the recipe's train and validation datasets; its base
Writes  the model, or the adapter alone (safetensors only); a report; a loss curve; the time and
        memory it took; live metrics; what `tracking` names is told as well (stages.tracking), which no stage reads
Params  seed, numerics, recipes.<name>.task, .model, .method
"""

import shutil
from pathlib import Path

import datasets

from stages import params, processes, tasks, tracking
from stages.files import replacing_folder, write_json
from stages.models import adapters, family, packing
from stages.models import tokenizer as tokenizers
from stages.models.fitting import Fit, fit, overfitting
from stages.numerics import device, device_name, dtype, peak_memory, settle, stated
from stages.refusal import run


def main(name: str, tokens: str, base: str, folder: str, report: str, curve: str, seconds: str, live: str) -> None:
    settings = params.load()
    tracking.check(settings.tracking)
    recipe = params.entry(settings.recipes, name, "recipes")
    task, kind, method = tasks.load(recipe.task), family(recipe.model.family), recipe.method
    where = f"params.yaml: recipes.{name}.method.processes"
    if method.shard:
        processes.shardable(f"params.yaml: recipes.{name}.method.shard")
    if not processes.started(method.processes, where) and method.processes > 1:
        words = name, tokens, base, folder, report, curve, seconds, live
        return processes.start(method.processes, settings.numerics.threads, "stages.train", words, where)
    seed = settings.seed if method.seed is None else method.seed
    settle(settings.numerics, seed)
    train, validation = (datasets.load_from_disk(str(Path(tokens) / split)) for split in ("train", "validation"))
    tokenizer, model = tokenizers.load(base), kind.load(base, task.outputs(recipe.model.head))
    model = adapters.prepare(model, method, kind.TASK_TYPE, f"recipes.{name}")
    learning, size = adapters.count(model)
    collator = (packing if method.packing else kind).collator(tokenizer, model)
    scratch = Path(folder).with_name(f".{name}.checkpoints")
    decides = [settings.numerics.model_dump(), recipe.model_dump(mode="json", include={"task", "model", "method"})]
    trackers = settings.tracking if processes.first() else ()
    run_name = tracking.run_name(name) if trackers else name
    with tracking.reporting(trackers, run_name):
        done = fit(
            model,
            train,
            validation,
            collator,
            kind.loss,
            scratch,
            seed,
            callbacks=tracking.callbacks(Path(live)) if processes.first() else (),
            name=run_name,
            report_to=trackers,
            settings=decides,
            **settings.numerics.training,
            **method.model_dump(include=set(params.Optimisation.model_fields) - {"seed"}),
        )
    if processes.first():
        with replacing_folder(folder) as beside:
            adapters.save(model, method, recipe.model.base, beside)
            tokenizers.save(tokenizer, beside)
    held = processes.gather(peak_memory())
    if not processes.first():
        return
    account = {
        "trainable_parameters": learning,
        "parameters": size,
        "device": device().type,
        "dtype": dtype(settings.numerics.dtype),
    }
    account["numerics"] = stated(settings.numerics)
    account["size_bytes"] = sum(path.stat().st_size for path in Path(folder).iterdir() if path.is_file())
    write_json(report, account | summary(done))
    write_json(curve, done.curve)
    devices = f"{method.processes} × {device_name()}" if method.processes > 1 else device_name()
    measured = {"train_seconds": done.seconds, "tokens_per_second": done.tokens_per_second, "device": devices}
    write_json(seconds, measured | memory(held))
    shutil.rmtree(scratch)
    best = min(point["validation_loss"] for point in done.curve)
    share = f"{learning:,} of {size:,} parameters"
    print(f"train {name}: {share}, {done.steps} steps in {done.seconds:.0f} s, validation loss {best:.4f}")
    if warning := overfitting(done.curve):
        print(f"train {name}: {warning}")


def summary(done: Fit) -> dict:
    """What a report says of a training: steps, the first, best and last losses, overfitting where there is some,
    and of batches by tokens the share of padding in each epoch."""
    losses = [point["validation_loss"] for point in done.curve]
    trained = [point["train_loss"] for point in done.curve]
    told = {
        "steps": done.steps,
        "stopped_early": done.steps < done.planned,
        "best_step": done.best_step,
        "validation_loss": {"first": losses[0], "best": min(losses), "last": losses[-1]},
        "train_loss": {"first": trained[0], "last": trained[-1]},
        "overfitting": overfitting(done.curve),
    }
    return told if done.padding is None else told | {"padding": done.padding}


def memory(held: list[dict]) -> dict:
    """What all processes held, MiB: of the machine together, and of the GPU that held most."""
    gpu = max((one["peak_gpu_mib"] for one in held if one["peak_gpu_mib"] is not None), default=None)
    return {"peak_mib": round(sum(one["peak_mib"] for one in held), 1), "peak_gpu_mib": gpu}


if __name__ == "__main__":
    run(main)
