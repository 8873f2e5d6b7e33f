"""The decoder family (Llama, GPT): reads a prompt and goes on writing.

A row is prompt + separator + target; the separator is the tokenizer's closing token, which a base built here has after
every text it read. Only the target's tokens are learnt. Prompts of a batch are padded on the left when it writes, so
that every answer starts right behind its prompt.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    DataCollatorForSeq2Seq,
    LlamaConfig,
    LlamaForCausalLM,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from stages.models import draws
from stages.models import tokenizer as tokenizers
from stages.models.constrained import Constrained, Form
from stages.models.losses import summed
from stages.params import Base, Predict

TASK_TYPE = "CAUSAL_LM"  # PEFT's name for the family
WRITES = True  # an answer is written freely; a label may be something else than it says
POSITIONS = 8192  # what a base built here may read: rotary positions need no table, so the number costs nothing


def load(folder: str | Path, labels: tuple[str, ...] = ()) -> PreTrainedModel:
    """Open the model in `folder`; the labels of a task do not change it (this family writes them)."""
    return AutoModelForCausalLM.from_pretrained(
        str(folder), use_safetensors=True, local_files_only=True, trust_remote_code=False
    )


def blank(base: Base, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """An untrained small Llama (Touvron et al. 2023, arXiv:2302.13971): rotary positions, gated SiLU, tied head.

    Weights start at 0.05 for the reason that seq2seq.blank gives: from 0.02 AdamW takes longer to say anything.
    """
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=base.width,
            intermediate_size=2 * base.width,
            num_hidden_layers=base.layers,
            num_attention_heads=base.heads,
            num_key_value_heads=base.heads,
            max_position_embeddings=POSITIONS,
            initializer_range=0.05,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def targets(tokenizer: PreTrainedTokenizerBase, texts: list[str], limit: int, labels: tuple[str, ...]) -> tuple:
    """The ids to write for each target text, the closing token last, and how many were cut.

    Tokenizers of released decoders put an opening token before a text and none behind; both are seen to here.
    """
    ids, _ = tokenizers.encode(tokenizer, texts, 10**9)
    opening = tokenizer.bos_token_id if tokenizer.bos_token_id != tokenizer.eos_token_id else None
    bodies = [[one for one in text if one != opening] for text in ids]
    whole = [[*(body[:-1] if body[-1:] == [tokenizer.eos_token_id] else body)] for body in bodies]
    return [[*body[: limit - 1], tokenizer.eos_token_id] for body in whole], sum(len(b) >= limit for b in whole)


def collator(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel):
    """Joins prompt and target and pads each batch to its own longest row; prompt and padding carry no loss."""
    pad = DataCollatorForSeq2Seq(padded(tokenizer), label_pad_token_id=-100)

    def join(rows: list[dict]) -> dict:
        prompts = [tokenizers.framed(list(row["input_ids"]), tokenizer) for row in rows]
        return pad([
            {"input_ids": [*prompt, *row["labels"]], "labels": [-100] * len(prompt) + list(row["labels"])}
            for prompt, row in zip(prompts, rows, strict=True)
        ])  # fmt: skip

    return join


def padded(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The tokenizer, with its closing token for padding where it has none of its own (GPT-2, Llama)."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def loss(
    outputs: dict,
    labels: torch.Tensor,
    num_items_in_batch: torch.Tensor | int | None = None,
    summed: Callable = summed,
) -> torch.Tensor:
    """Mean cross-entropy per target token, in nats, each token told from those before it (see seq2seq.loss for why).

    The first label of a row has nothing before it and must be -100. summed: see seq2seq.loss.
    """
    told = labels[:, 1:]
    known = told != -100
    total = summed(outputs["logits"][:, :-1][known], told[known])
    return total / (num_items_in_batch if num_items_in_batch is not None else known.sum())


@torch.inference_mode()
def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    limit: int,
    settings: Predict,
    labels: tuple[str, ...],
    forms: list[Form] | None = None,
    turns: list[int] | None = None,
    variants: list[str] | None = None,
) -> tuple[list[str], list[float | None]]:
    """Write an answer of at most `limit` tokens to each prompt (ids), of its form where it has one.

    What is drawn for a prompt follows from it, its turn and the seed (stages.models.draws). variants: the adapter of
    each row, where the model has several (adapters.beside).
    """
    prompts = [tokenizers.framed(list(one), tokenizer) for one in prompts]
    keys = draws.keys(prompts, turns)
    texts: list[str] = [""] * len(prompts)
    model.eval()
    for chosen in tokenizers.batches([len(one) for one in prompts], settings.batch, settings.tokens):
        batch = padded(tokenizer).pad(
            {"input_ids": [prompts[i] for i in chosen]}, return_tensors="pt", padding_side="left"
        ).to(model.device)  # fmt: skip
        held = [Constrained([forms[i] for i in chosen])] if forms else []
        written = model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=limit,
            num_beams=1,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            logits_processor=LogitsProcessorList(held + draws.drawn(settings, keys[chosen])),
            **({"adapter_names": [variants[i] for i in chosen]} if variants else {}),
            **settings.generation,
        )
        said = written[:, batch["input_ids"].shape[1] :]
        for i, text in zip(chosen, tokenizer.batch_decode(said, skip_special_tokens=True), strict=True):
            texts[i] = text.strip()
    return texts, [None] * len(prompts)


@torch.inference_mode()
def chances(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    settings: Predict,
    labels: tuple[str, ...],
) -> tuple[list[str], list[list[float]]]:
    """The likeliest label of each prompt (ids), and the probability of each label, in their order: see seq2seq.chances.

    Every label is written behind every prompt, so that a batch of prompts is a batch of prompts times labels.
    """
    told, _ = targets(tokenizer, list(labels), 10**9, labels)
    pad = collator(tokenizer, model)
    likeliest: list[str] = [""] * len(prompts)
    probabilities: list[list[float]] = [[] for _ in prompts]
    model.eval()
    for chosen in tokenizers.batches([len(one) for one in prompts], settings.batch, settings.tokens):
        batch = pad([{"input_ids": prompts[i], "labels": label} for i in chosen for label in told]).to(model.device)
        wanted = batch["labels"][:, 1:]
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
        each = logits.float().log_softmax(-1).gather(-1, wanted.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        known = wanted != -100
        whole = (each * known).sum(-1).view(len(chosen), len(labels))
        best = (whole / known.sum(-1).view(len(chosen), len(labels))).argmax(-1).tolist()
        for i, label, of in zip(chosen, best, whole.softmax(-1).tolist(), strict=True):
            likeliest[i], probabilities[i] = labels[label], of
    return likeliest, probabilities
