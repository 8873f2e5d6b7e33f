"""Which rule moves the weights: AdamW for all, or Muon for the matrices of the blocks and AdamW for the rest."""

from collections.abc import Callable

import torch
from torch.optim import AdamW, Muon, Optimizer

EMBEDDINGS = ("shared", "embed", "lm_head", "relative_attention_bias")  # tables of rows, not maps between spaces


class Joined(Optimizer):
    """Two optimizers as the one that transformers' Trainer takes: they share the groups that a scheduler turns."""

    def __init__(self, *parts: Optimizer):
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})

    def step(self, closure: Callable | None = None) -> None:
        for part in self.parts:
            part.step(closure)

    def state_dict(self) -> dict:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]  # theirs are new now


def optimizer(model: torch.nn.Module, kind: str, lr: float, matrix_lr: float, weight_decay: float) -> Optimizer | None:
    """The optimizer of the weights that learn; None leaves the choice to Trainer, which takes AdamW.

    kind: "adamw", or "muon" (Jordan et al. 2024, kellerjordan.github.io/posts/muon; torch.optim.Muon): each update of a
    matrix is made orthogonal, so that the rare directions, here the copying of a keyword, move as far as the common
    ones. lr: peak rate of AdamW. matrix_lr: peak rate of Muon.
    """
    if kind == "adamw":
        return None
    learning = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    matrices = [weight for name, weight in learning if _is_matrix(name, weight)]
    rest = [weight for name, weight in learning if not _is_matrix(name, weight)]
    muon = Muon(matrices, lr=matrix_lr, weight_decay=weight_decay)
    return Joined(muon, AdamW(rest, lr=lr, weight_decay=weight_decay)) if rest else muon


def _is_matrix(name: str, weight: torch.Tensor) -> bool:
    return weight.ndim == 2 and not any(part in name for part in EMBEDDINGS)
