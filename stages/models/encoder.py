"""The encoder family (BERT-like): reads a prompt, chooses one of the task's labels."""

from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.bert.modeling_bert import BertPooler

from stages.params import Base, Predict

TASK_TYPE = "SEQ_CLS"  # PEFT's name for the family
WRITES = False  # an answer is one of the labels, always


def load(folder: str | Path, labels: tuple[str, ...] = ()) -> PreTrainedModel:
    """Open the model in `folder` with a head over `labels`; a folder without one gets a head drawn from the seed."""
    return AutoModelForSequenceClassification.from_pretrained(
        str(folder),
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )


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


def collator(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> DataCollatorWithPadding:
    """Pads each batch to its own longest row."""
    return DataCollatorWithPadding(tokenizer)


def loss(outputs: dict, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None) -> torch.Tensor:
    """Mean cross-entropy per row, in nats, over all rows that share an update (see seq2seq.loss for why)."""
    total = cross_entropy(outputs["logits"].float(), labels, reduction="sum")
    return total / (num_items_in_batch if num_items_in_batch is not None else labels.shape[0])


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    limit: int,
    settings: Predict,
    labels: tuple[str, ...],
) -> tuple[list[str], list[float | None]]:
    """The likeliest label of each prompt (ids) and its probability."""
    chosen, probabilities = chances(model, tokenizer, prompts, settings, labels)
    return chosen, [max(each) for each in probabilities]


@torch.inference_mode()
def chances(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    settings: Predict,
    labels: tuple[str, ...],
) -> tuple[list[str], list[list[float]]]:
    """The likeliest label of each prompt (ids), and the probability of each label, in their order."""
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i))
    chosen: list[str] = [""] * len(prompts)
    probabilities: list[list[float]] = [[] for _ in prompts]
    model.eval()
    for start in range(0, len(order), settings.batch):
        rows = order[start : start + settings.batch]
        batch = tokenizer.pad({"input_ids": [prompts[i] for i in rows]}, return_tensors="pt").to(model.device)
        each = model(**batch).logits.float().softmax(-1)
        for i, label, one in zip(rows, each.argmax(-1).tolist(), each.tolist(), strict=True):
            chosen[i], probabilities[i] = labels[label], one
    return chosen, probabilities
