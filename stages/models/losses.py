"""The loss of what is written: what the families that write have in common."""

import torch
from torch.nn.functional import cross_entropy


def summed(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of all tokens, in nats: logits (tokens, vocabulary), labels (tokens); -100 is none."""
    return cross_entropy(logits.float(), labels, ignore_index=-100, reduction="sum")
