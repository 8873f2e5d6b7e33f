"""How a training's arithmetic is done where the result is the same but for rounding: attention, GELU, vocabulary."""

from collections.abc import Callable
from functools import partial

import torch
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation

from stages.models.losses import summed
from stages.numerics import device
from stages.refusal import Refusal

# What some decoders do to the scores behind their head (Gemma 2, Cohere, Granite); there the head alone is not enough.
BEHIND = ("final_logit_softcapping", "logit_scale", "logits_scaling")


def attend(model: PreTrainedModel, kind: str) -> None:
    """Have `model` attend by this kernel, in transformers' words; refuses one that it or the machine has not."""
    try:
        model.set_attn_implementation(kind)
    except (ValueError, ImportError) as error:
        raise Refusal(
            "a kernel of attention that the model has", f"{kind}: {str(error).partition('. ')[0]}",
            "params.yaml: numerics.attention", "leave it out, or write sdpa or eager",
        ) from error  # fmt: skip


def fuse(model: PreTrainedModel) -> None:
    """Have each GELU of `model` that transformers writes as eight operations, T5's and GPT-2's, be one kernel.

    The same function but for rounding (tanh approximation; Hendrycks and Gimpel 2016, arXiv:1606.08415).
    """
    for module in list(model.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))


def chunked(model: PreTrainedModel, loss: Callable, rows: int, dtype: str) -> Callable:
    """`loss`, with the head of `model` applied to `rows` target tokens at a time.

    Tokens × vocabulary never stand whole: the model's head gives on what it is given, tokens without a label are left
    out, and each chunk's scores are computed once more in the backward pass (Chen et al. 2016, arXiv:1604.06174). A
    model without a head over a vocabulary keeps its own loss. The head's weights stay where they are.
    """
    base = getattr(model, "get_base_model", lambda: model)()
    head = base.get_output_embeddings()
    if head is None:
        return loss
    if found := [name for name in BEHIND if getattr(base.config, name, None) not in (None, 1, 1.0)]:
        raise Refusal(
            "a model whose scores are what its head gives", f"{base.config.model_type} with {found[0]}",
            "params.yaml: numerics.loss_rows", "leave it out",
        )  # fmt: skip
    scores, head.forward = head.forward, torch.nn.Identity().forward

    def chunk(states: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # Trainer's autocast ends with the model
        with torch.autocast(device().type, torch.bfloat16, enabled=dtype == "bfloat16"):
            found = scores(states)
        return summed(found, labels)

    def in_chunks(states: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        known = labels != -100
        parts = zip(states[known].split(rows), labels[known].split(rows), strict=True)
        return sum(checkpoint(chunk, *part, use_reentrant=False) for part in parts)

    return partial(loss, summed=in_chunks)
