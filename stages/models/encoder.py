"""The encoder family (BERT-like): reads a prompt, or a pair of segments, and chooses a label or gives a number.

What it gives follows from its head: over several labels it is a classifier, over one output a regressor. What it reads
follows from the ids: what stands behind a first separator is a second segment, and gets token type 1 (Devlin et al.
2019, arXiv:1810.04805) where the base knows two types.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy, mse_loss
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.bert.modeling_bert import BertPooler

from stages.models import tokenizer as tokenizers
from stages.params import Base, Predict

TASK_TYPE = "SEQ_CLS"  # PEFT's name for the family
WRITES = False  # an answer is one of the labels, always
MIDDLE = 0.5  # of the numbers that a regressor gives


def load(folder: str | Path, labels: tuple[str, ...] = ()) -> PreTrainedModel:
    """Open the model in `folder` with a head over `labels`; a folder without one gets a head drawn from the seed.

    A single label is the name of the number that a regressor gives. Its new head starts at the middle of the scale of 0
    to 1: from 0 the weights below it would first have to learn the mean.
    """
    model, opened = AutoModelForSequenceClassification.from_pretrained(
        str(folder),
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    for name in opened["missing_keys"] if len(labels) == 1 else ():
        if model.get_parameter(name).shape == (1,):  # the head's bias, whatever the model calls it
            torch.nn.init.constant_(model.get_parameter(name), MIDDLE)
    return model


def blank(base: Base, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """An untrained BERT-like model with a masked-token head.

    It carries the pooler that a classifier reads through, untrained: drawn by each recipe instead, an adapter that is
    saved without it would be worth nothing elsewhere.
    """
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=base.width,
            num_hidden_layers=base.layers,
            num_attention_heads=base.heads,
            intermediate_size=2 * base.width,
            max_position_embeddings=base.max_tokens,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            type_vocab_size=1,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.bert.pooler = BertPooler(model.config)
    model.init_weights()
    return model


def targets(tokenizer: PreTrainedTokenizerBase, texts: list[str], limit: int, labels: tuple[str, ...]) -> tuple:
    """The number of each target among the labels; none is ever cut."""
    return [labels.index(text) for text in texts], 0


def collator(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> Callable:
    """Pads each batch to its own longest row."""
    pad = DataCollatorWithPadding(tokenizer)
    return lambda rows: typed(pad(rows), tokenizer, model)


def typed(batch: dict, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> dict:
    """A padded batch with token types: 1 from behind the first separator to the last. No text holds a separator
    (tokenizer.neutral), so a prompt that is no pair has type 0 throughout.
    """
    if getattr(model.config, "type_vocab_size", 1) > 1:
        ends = (batch["input_ids"] == tokenizer.sep_token_id).long()
        batch["token_type_ids"] = (ends.cumsum(1) > ends).long() * batch["attention_mask"]
    return batch


def loss(outputs: dict, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None) -> torch.Tensor:
    """Mean cross-entropy per row, in nats, over all rows that share an update (see seq2seq.loss for why).

    Of a regressor, whose labels are numbers, the mean squared error. A label of -100 is none.
    """
    logits = outputs["logits"].float()
    if logits.shape[-1] == 1:
        known = labels != -100
        total = mse_loss(logits.squeeze(-1)[known], labels[known].float(), reduction="sum")
    else:
        total = cross_entropy(logits, labels, reduction="sum")
    return total / (num_items_in_batch if num_items_in_batch is not None else labels.shape[0])


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    limit: int,
    settings: Predict,
    labels: tuple[str, ...],
) -> tuple[list[str], list[float | None]]:
    """The likeliest label of each prompt (ids) and its probability; of a regressor the number as text, and no more."""
    chosen, probabilities = chances(model, tokenizer, prompts, settings, labels)
    return chosen, [max(each, default=None) for each in probabilities]


@torch.inference_mode()
def chances(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    settings: Predict,
    labels: tuple[str, ...],
) -> tuple[list[str], list[list[float]]]:
    """The likeliest label of each prompt (ids), and the probability of each label, in their order; of a regressor the
    number as text, and no probabilities.
    """
    chosen: list[str] = [""] * len(prompts)
    probabilities: list[list[float]] = [[] for _ in prompts]
    model.eval()
    for rows in tokenizers.batches([len(one) for one in prompts], settings.batch, settings.tokens):
        batch = tokenizer.pad({"input_ids": [prompts[i] for i in rows]}, return_tensors="pt").to(model.device)
        logits = model(**typed(batch, tokenizer, model)).logits.float()
        if logits.shape[-1] == 1:
            for i, number in zip(rows, logits.squeeze(-1).tolist(), strict=True):
                chosen[i] = f"{number:.4f}"
            continue
        each = logits.softmax(-1)
        for i, label, one in zip(rows, each.argmax(-1).tolist(), each.tolist(), strict=True):
            chosen[i], probabilities[i] = labels[label], one
    return chosen, probabilities
