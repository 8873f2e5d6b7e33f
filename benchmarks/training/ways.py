"""The ways to train that are set side by side: as the prior art and transformers' examples do; ours."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import datasets
import torch
from transformers import (
    DataCollatorForSeq2Seq,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)

from benchmarks.training.watching import Counted
from stages import params
from stages.models import family, packing
from stages.models.fitting import Fit, fit
from stages.models.tokenizer import framed
from stages.numerics import settle

EPOCHS = 1000  # more than any measurement takes


def plain(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: datasets.Dataset,
    of: str,
    watch: Callable[[Counted], TrainerCallback],
    seed: int,
    lr: float,
    *,
    batch: int,
    pad: int | None = None,
    grouped: bool = False,
    bf16: bool = False,
) -> None:
    """As transformers' examples train: so many rows a step, padded to the longest among them or all to `pad` tokens."""
    model.set_attn_implementation("sdpa")  # what a model is opened with unless told
    padding = {"padding": "max_length", "max_length": pad} if pad else {}
    if of == "encoder":
        collator = DataCollatorWithPadding(tokenizer, **padding)
    else:
        collator = DataCollatorForSeq2Seq(tokenizer, model=model, **padding)
    if of == "causal":
        rows = datasets.Dataset.from_list([joined(row, tokenizer) for row in rows])
    counted = Counted(collator, tokenizer.pad_token_id, 1, of)
    with tempfile.TemporaryDirectory(prefix="training-") as scratch:
        Seq2SeqTrainer(
            model=model,
            args=Seq2SeqTrainingArguments(
                output_dir=scratch,
                num_train_epochs=EPOCHS,
                per_device_train_batch_size=batch,
                learning_rate=lr,
                lr_scheduler_type="constant",
                train_sampling_strategy="group_by_length" if grouped else "random",
                save_strategy="no",
                seed=seed,
                bf16=bf16,
                use_cpu=not torch.cuda.is_available(),
                dataloader_pin_memory=torch.cuda.is_available(),
                disable_tqdm=True,
            ),
            train_dataset=rows.select_columns(["input_ids", "labels"]),
            data_collator=counted,
            callbacks=[watch(counted)],
        ).train()


def joined(row: dict, tokenizer: PreTrainedTokenizerBase) -> dict:
    """A decoder's row as one text: input, separator, target; the loss is of the target."""
    prompt = framed(list(row["input_ids"]), tokenizer)
    return {"input_ids": [*prompt, *row["labels"]], "labels": [-100] * len(prompt) + list(row["labels"])}


def ours(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: datasets.Dataset,
    of: str,
    watch: Callable[[Counted], TrainerCallback],
    seed: int,
    lr: float,
    *,
    numerics: dict,
    validation: datasets.Dataset,
    epochs: int = EPOCHS,
    **method,
) -> Fit:
    """As `train` does, under these numerics; method: what differs from a recipe's defaults, in the words of `fit`."""
    numbers, kind = params.Numerics(**numerics), family(of)
    settle(numbers, seed)
    made = packing.collator(tokenizer, model) if method.get("packing") else kind.collator(tokenizer, model)
    counted = Counted(made, tokenizer.pad_token_id, 1, of)
    with tempfile.TemporaryDirectory(prefix="training-") as scratch:
        return fit(model, rows, validation, counted, kind.loss, Path(scratch, "fit"), seed, epochs=epochs, lr=lr,
                   warmup=0.0, evaluations=1, callbacks=(watch(counted),), **numbers.training, **method)  # fmt: skip
