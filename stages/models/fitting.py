"""Training a model: transformers' Trainer, composed. What differs between recipes arrives as arguments."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import datasets
from transformers import EarlyStoppingCallback, PreTrainedModel, Trainer, TrainerCallback, TrainingArguments

from stages.models import batching, kernels
from stages.models.checkpoints import Checkpoints, key
from stages.models.optimizers import optimizer as optimizer_of
from stages.numerics import device, keep_few_kernels
from stages.numerics import dtype as products


@dataclass(frozen=True)
class Fit:
    """What came of a training: a loss curve, one point per validation, and where its lowest stood.

    Losses are mean cross-entropy in nats; a point's train_loss is the mean since the point before. planned: the steps
    there would have been, had patience not run out. padding: of all positions, in each epoch, where batches were made
    by tokens and rows have their targets.
    """

    curve: list[dict]
    steps: int
    best_step: int
    seconds: float
    tokens_per_second: float
    planned: int
    padding: list[float] | None = None


def fit(
    model: PreTrainedModel,
    train: datasets.Dataset,
    validation: datasets.Dataset,
    collator: Callable,
    loss: Callable,
    scratch: Path,
    seed: int,
    *,
    epochs: float,
    lr: float,
    batch: int,
    tokens: int | None = None,
    packing: bool = False,
    accumulate: int = 1,
    warmup: float = 0.06,
    weight_decay: float = 0.0,
    evaluations: int = 4,
    patience: int = 3,
    optimizer: str = "adamw",
    matrix_lr: float = 0.02,
    processes: int = 1,
    shard: bool = False,
    checkpointing: bool = False,
    dtype: str = "float32",
    compile: bool = False,
    attention: str | None = None,
    loss_rows: int | None = None,
    fused: bool = True,
    callbacks: tuple[TrainerCallback, ...] = (),
    name: str | None = None,
    report_to: tuple[str, ...] = (),
    settings: object = None,
) -> Fit:
    """Train `model` in place and leave it with the weights of the lowest validation loss.

    Rows are grouped by length, `batch` of them a step or, where `tokens` says so, as many as that many positions hold;
    each batch is padded to its own longest row. `packing`: by tokens, and `collator` is stages.models.packing's. What
    `dtype`, `compile`, `attention`, `loss_rows` and `fused` mean says stages.params.Numerics. With `loss_rows` or
    `packing` the model is to be saved then and opened anew, for it answers in another way.
    `scratch` holds checkpoints, one at each validation; a training that was killed goes on from there. Whoever calls
    this removes it once the model is saved. `settings`, as JSON knows it: whatever else decides how the weights move.
    `name` is what the trackers of `report_to` call the run. `processes`: as many call this, each with the same
    arguments, and share each batch of training; the losses and the weights are those of one alone. Each of them
    validates on every row. Killed, such a training starts anew. `shard`: each holds its share of weights, gradients and
    the optimizer's state, and gathers a block's weights when it comes to it (FSDP2; Zhao et al. 2023,
    arXiv:2304.11277); the first one's `model` gets the best weights, the others' stays as it was. With dtype bfloat16
    the gathered weights and the sums of gradients are in it too.
    """
    numbers = {word: of for word, of in locals().items() if isinstance(of, int | float | str) and word != "name"}
    checkpoints = Checkpoints(
        scratch, key(model, [train, validation], [numbers, settings]), collator, resumes=processes == 1
    )
    whole = model
    if shard:
        model = copy.deepcopy(model)  # FSDP takes it in pieces and never puts it together again
    keep_few_kernels()
    of_products = products(dtype)
    if attention:
        kernels.attend(model, attention)
    if fused:
        kernels.fuse(model)
    if loss_rows:
        loss = kernels.chunked(model, loss, loss_rows, of_products)
    if shard and (model.config.is_encoder_decoder or model.get_output_embeddings() is None):
        # Accelerate gathers the table by itself, or with the head. Torch refuses that where encoder and decoder have it
        # too (T5), or a unit that it is part of is gathered as one (BERT). Unseen, it goes with all that is in no unit.
        model.get_input_embeddings = model.get_output_embeddings = lambda: None
    given = (train, validation, collator, loss)
    if tokens:
        feed = batching.by_tokens(*given, tokens, processes, seed, model.config.is_encoder_decoder, packing)
    else:
        feed = batching.by_rows(*given, batch, processes)
    updates = math.ceil(len(feed.train) / (feed.batch * accumulate)) * epochs
    every = max(1, math.floor(updates / evaluations))
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(checkpoints.folder),
            num_train_epochs=0 if checkpoints.ended else epochs,
            learning_rate=lr,
            per_device_train_batch_size=feed.batch,
            per_device_eval_batch_size=feed.asked,
            gradient_accumulation_steps=accumulate,
            warmup_steps=warmup,
            weight_decay=weight_decay,
            eval_strategy="steps",
            eval_steps=every,
            logging_steps=every,
            save_strategy="steps",
            save_steps=every,
            restore_callback_states_from_checkpoint=True,  # how much patience is left
            load_best_model_at_end=True,
            metric_for_best_model="eval_loss",
            greater_is_better=False,
            train_sampling_strategy=feed.strategy,
            prediction_loss_only=True,
            seed=seed,
            data_seed=seed,
            bf16=of_products == "bfloat16",
            torch_compile=compile,
            activation_checkpointing=checkpointing,
            activation_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
            optim="adamw_torch_fused" if fused else "adamw_torch",
            use_cpu=device().type == "cpu",
            dataloader_pin_memory=device().type == "cuda",
            remove_unused_columns=False,
            report_to=[] if checkpoints.ended else list(report_to),
            project="reviewmill",  # Trackio's
            run_name=name,
            ddp_backend="gloo" if processes > 1 and device().type == "cpu" else None,
            # The first draws each batch and deals it out: the rows and their order are those of one process
            accelerator_config={"dispatch_batches": True, "split_batches": True} if processes > 1 else None,
            fsdp=shard,  # state is saved whole, by the first
        ),
        train_dataset=feed.train,
        eval_dataset=feed.validation,
        data_collator=feed.collator,
        compute_loss_func=feed.loss,
        optimizers=(optimizer_of(model, optimizer, lr, matrix_lr, weight_decay), None),
        callbacks=[EarlyStoppingCallback(patience), checkpoints, *callbacks],
    )
    trainer.train(resume_from_checkpoint=str(checkpoints.last) if checkpoints.last else None)
    if shard and (weights := trainer.accelerator.get_state_dict(trainer.model)):  # the first one's; {} elsewhere
        whole.load_state_dict(weights)
    seconds = checkpoints.seconds
    seen = sum(train["length"]) * trainer.state.epoch if "length" in train.column_names else 0
    return Fit(
        _curve(trainer.state.log_history),
        trainer.state.global_step,
        trainer.state.best_global_step or trainer.state.global_step,
        round(seconds, 3),
        round(seen / seconds, 1),
        checkpoints.planned or trainer.state.max_steps,
        feed.train.padding(trainer.state.epoch) if tokens and "labels" in train.column_names else None,
    )


def overfitting(curve: list[dict]) -> str | None:
    """A sentence when, after the best point, validation loss rose while training loss went on falling; else None."""
    best = min(range(len(curve)), key=lambda i: curve[i]["validation_loss"])
    first, last = curve[best], curve[-1]
    if last["validation_loss"] > first["validation_loss"] and last["train_loss"] < first["train_loss"]:
        return (
            f"overfitting: from step {first['step']} to {last['step']} validation loss rose "
            f"{first['validation_loss']:.3f} → {last['validation_loss']:.3f} while training loss fell "
            f"{first['train_loss']:.3f} → {last['train_loss']:.3f}; the weights of step {first['step']} are kept"
        )
    return None


def _curve(history: list[dict]) -> list[dict]:
    """One point per validation from Trainer's log."""
    training = {entry["step"]: entry["loss"] for entry in history if "loss" in entry}
    return [
        {
            "step": entry["step"],
            "epoch": round(entry["epoch"], 4),
            "train_loss": round(training[entry["step"]], 6),
            "validation_loss": round(entry["eval_loss"], 6),
        }
        for entry in history
        if "eval_loss" in entry and entry["step"] in training
    ]
