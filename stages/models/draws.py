"""Draws that belong to a row: they follow from the seed, its prompt and nothing that happens to stand beside it.

The Gumbel-max trick (Maddison et al. 2014, arXiv:1411.0030): the argmax of scores + noise, where the noise of each
token is of the standard Gumbel distribution, is a draw from the softmax of the scores. The noise is no stream that rows
share but a function of (key of the row, step, token), as in a counter-based generator (Salmon et al. 2011,
doi:10.1145/2063384.2063405); the function is splitmix64 (Steele et al. 2014, doi:10.1145/2660193.2660195), nested. So a
row's answer is the same in any batch and any order of rows. What stays is rounding: the model's own scores may differ
in the last bits between shapes of batches, and that flips a token where two are as good as equal.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from stages.params import Predict

GOLDEN, FIRST, SECOND = (  # of splitmix64, as the signed numbers that torch multiplies
    one - 2**64 for one in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
UNIT = 2.0**-53  # from the 53 highest bits of a number to [0, 1)


def turns(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Of each prompt (ids), how often the same one stands before it: for tables whose rows are to differ all the same.

    >>> turns([[5], [7], [5], [5]])
    [0, 0, 1, 2]
    """
    seen: Counter = Counter()
    told = []
    for prompt in map(tuple, prompts):
        told.append(seen[prompt])
        seen[prompt] += 1
    return told


def keys(prompts: Sequence[Sequence[int]], turns: Sequence[int] | None = None) -> torch.Tensor:
    """What the draws of each row follow from: its prompt (ids), its turn (0 unless given) and the seed torch was given.

    (rows,) int64.
    """
    told = [
        hashlib.blake2b(repr((torch.initial_seed(), turn, list(prompt))).encode(), digest_size=8).digest()
        for prompt, turn in zip(prompts, turns or [0] * len(prompts), strict=True)
    ]
    return torch.tensor([int.from_bytes(one, "little", signed=True) for one in told], dtype=torch.int64)


def number(seeds: torch.Tensor, at: torch.Tensor | int) -> torch.Tensor:
    """The `at`-th number of the splitmix64 sequence that each seed begins, `at` from 0: int64, shapes broadcast."""
    told = seeds + (torch.as_tensor(at, device=seeds.device) + 1) * GOLDEN  # of tensors, for theirs goes round
    told = (told ^ _shifted(told, 30)) * FIRST
    told = (told ^ _shifted(told, 27)) * SECOND
    return told ^ _shifted(told, 31)


def gumbel(seeds: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The `at`-th number of each seed as one of the standard Gumbel distribution: float64."""
    even = (_shifted(number(seeds, at), 11).double() + 0.5) * UNIT
    return -(-even.log()).log()


class Draws(LogitsProcessor):
    """Scores with the noise of their rows: the likeliest token of them is one drawn as `settings` say.

    For one call of `generate` with do_sample=False, last in its list; the temperature and the cuts are transformers'
    own, in its order. keys: (rows of the batch,).
    """

    def __init__(self, keys: torch.Tensor, settings: Predict):
        self.keys, self.start = keys, None
        self.cuts = LogitsProcessorList([TemperatureLogitsWarper(settings.temperature)])
        if settings.top_k:
            self.cuts.append(TopKLogitsWarper(settings.top_k))
        if settings.top_p < 1:
            self.cuts.append(TopPLogitsWarper(settings.top_p))

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if self.start is None:  # a batch's padding stands before it, so tokens are counted from where it begins
            self.start, self.keys = input_ids.shape[1], self.keys.to(scores.device)
        scores = self.cuts(input_ids, scores).double()
        seeds = number(self.keys, input_ids.shape[1] - self.start)
        if len(self.cuts) == 1:
            return scores + gumbel(seeds.unsqueeze(1), torch.arange(scores.shape[1], device=scores.device))
        rows, tokens = (scores > -torch.inf).nonzero(as_tuple=True)  # what is cut off needs no noise
        scores[rows, tokens] += gumbel(seeds[rows], tokens)
        return scores


def drawn(settings: Predict, keys: torch.Tensor) -> list[LogitsProcessor]:
    """What `generate` needs behind other processors so that it draws as the settings say; nothing where they do not."""
    return [Draws(keys, settings)] if settings.sample else []


def _shifted(numbers: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical shift to the right, of numbers whose sign is a bit like others."""
    return (numbers >> bits) & ((1 << (64 - bits)) - 1)
