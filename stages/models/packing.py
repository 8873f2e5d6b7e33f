"""Rows end to end in one sequence, each blind to the others, so that hardly anything is padding.

seq2seq   masks of blocks: a row's input sees itself, its target itself up to each token, and its own input. T5's
          positions are relative, so a row's stand as they would alone.
causal    positions that start anew with each row, from which transformers makes the masks.
encoder   none: a classifier reads its answer off the first token of a sequence.
"""

from collections.abc import Callable
from functools import wraps
from itertools import chain
from types import MethodType

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages.models.tokenizer import framed


def collator(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> Callable:
    """Makes a batch of sequences, each given as the list of rows that stand in it end to end."""
    if not model.config.is_encoder_decoder:
        return lambda sequences: _causal(sequences, tokenizer)
    _reads_masks_of_blocks(model)
    return lambda sequences: _seq2seq(sequences, model.config)


def _causal(sequences: list[list[dict]], tokenizer: PreTrainedTokenizerBase) -> dict:
    """{input_ids, labels, position_ids}, each (sequences, tokens)."""
    prompts = [[framed(list(row["input_ids"]), tokenizer) for row in rows] for rows in sequences]
    targets = [[list(row["labels"]) for row in rows] for rows in sequences]
    read = [[one + other for one, other in zip(*pair, strict=True)] for pair in zip(prompts, targets, strict=True)]
    unasked = [[[-100] * len(one) for one in rows] for rows in prompts]
    told = [[one + other for one, other in zip(*pair, strict=True)] for pair in zip(unasked, targets, strict=True)]
    at = [[[*range(len(row))] for row in rows] for rows in read]
    end = tokenizer.eos_token_id
    return {"input_ids": _laid(read, end), "labels": _laid(told, -100), "position_ids": _laid(at, 0)}


def _seq2seq(sequences: list[list[dict]], config) -> dict:
    """{input_ids, decoder_input_ids, labels} (sequences, tokens) and masks (sequences, 1, asking tokens, asked)."""
    read = [[list(row["input_ids"]) for row in rows] for rows in sequences]
    told = [[list(row["labels"]) for row in rows] for rows in sequences]
    given = [[[config.decoder_start_token_id, *row[:-1]] for row in rows] for rows in told]
    of_read, of_told = (_laid([[[i + 1] * len(row) for i, row in enumerate(rows)] for rows in one], 0)
                        for one in (read, told))  # fmt: skip
    own = _blocks(of_told, of_told)
    return {
        "input_ids": _laid(read, config.pad_token_id),
        "decoder_input_ids": _laid(given, config.pad_token_id),
        "labels": _laid(told, -100),
        "attention_mask": _added(_blocks(of_read, of_read)),
        "decoder_attention_mask": _added(own & torch.ones_like(own).tril()),
        "cross_attention_mask": _added(_blocks(of_told, of_read)),
    }


def _laid(sequences: list[list[list[int]]], pad: int) -> torch.Tensor:
    """Rows end to end, padded to the longest sequence."""
    flat = [list(chain.from_iterable(rows)) for rows in sequences]
    longest = max(map(len, flat))
    return torch.tensor([one + [pad] * (longest - len(one)) for one in flat])


def _blocks(asking: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """Which tokens may see which, (sequences, 1, asking, asked): those of the same row; padding sees padding."""
    return (asking.unsqueeze(-1) == asked.unsqueeze(-2)).unsqueeze(1)


def _added(allowed: torch.Tensor) -> torch.Tensor:
    """The mask as what is added to the scores. Where a token may see nothing it sees all: such a one is padding."""
    allowed = allowed | ~allowed.any(-1, keepdim=True)
    return torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)


def _reads_masks_of_blocks(model: PreTrainedModel) -> None:
    """Have `model` read its input by one mask and ask about it by another, which its own forward takes for the same."""
    base = getattr(model, "get_base_model", lambda: model)()
    whole = type(base).forward

    @wraps(whole)
    def forward(self, cross_attention_mask: torch.Tensor | None = None, **given):
        if cross_attention_mask is None:
            return whole(self, **given)
        read = self.get_encoder()(input_ids=given.pop("input_ids"), attention_mask=given.pop("attention_mask"))
        return whole(self, encoder_outputs=read, attention_mask=cross_attention_mask, **given)

    base.forward = MethodType(forward, base)  # a copy of the model gets one of its own
