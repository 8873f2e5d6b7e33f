"""Draws: as the softmax says, a row's own whatever stands beside it, and none like another."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from stages.models import draws, family
from stages.params import Predict

PROMPTS = [[5 + at % 90, 9 + at % 7, *range(20, 20 + at % 11), 1] for at in range(64)]
ROWS = 20_000
SCORES = torch.tensor([0.0, 1.0, 2.0, 0.5, -1.0, 1.5])


def drawn(settings: Predict, steps: int = 1, scores: torch.Tensor = SCORES) -> torch.Tensor:
    """What is drawn from the same scores for many rows: (rows, steps)."""
    torch.manual_seed(1)
    asked = draws.Draws(draws.keys([[at] for at in range(ROWS)]), settings)
    ids = torch.zeros(ROWS, 1, dtype=torch.long)
    for _ in range(steps):
        ids = torch.cat([ids, asked(ids, scores.repeat(ROWS, 1)).argmax(1, keepdim=True)], 1)
    return ids[:, 1:]


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({}, SCORES.softmax(0)),
        ({"temperature": 0.5}, (SCORES / 0.5).softmax(0)),
        ({"top_k": 3}, torch.where(SCORES >= 1, SCORES, -torch.inf).softmax(0)),
        ({"top_p": 0.7}, torch.where(SCORES >= 1, SCORES, -torch.inf).softmax(0)),
    ],
)
def test_tokens_are_drawn_as_the_softmax_says(settings, shares):
    told = drawn(Predict(sample=True, **settings)).flatten()
    counts, kept = np.bincount(told, minlength=6), shares.numpy() > 0
    assert counts[~kept].sum() == 0
    wanted = shares.double().numpy()[kept]
    assert chisquare(counts[kept], ROWS * wanted / wanted.sum()).pvalue > 1e-3


def test_no_row_and_no_step_tells_of_another():
    """Pairs of draws, of one row at two steps and of two rows at one step, are spread as independent ones are."""
    told = drawn(Predict(sample=True), steps=2, scores=torch.zeros(6))
    for one, other in ((told[:, 0], told[:, 1]), (told[::2, 0], told[1::2, 0]), (told[::2, 0], told[1::2, 1])):
        assert chisquare(np.bincount(6 * one + other, minlength=36)).pvalue > 1e-3


def test_the_numbers_are_those_of_splitmix64():
    """The first three that its authors' reference gives for the seed 0."""
    told = draws.number(torch.zeros(3, dtype=torch.long), torch.arange(3))
    assert [f"{one % 2**64:016x}" for one in told.tolist()] == [
        "e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f",
    ]  # fmt: skip


def test_the_noise_is_gumbels():
    told = draws.gumbel(torch.arange(200_000), torch.zeros(200_000, dtype=torch.long))
    assert told.mean().item() == pytest.approx(np.euler_gamma, abs=0.01)
    assert told.var().item() == pytest.approx(np.pi**2 / 6, rel=0.02)
    assert torch.isfinite(told).all()


def test_a_key_follows_from_seed_prompt_and_turn():
    torch.manual_seed(1)
    told = draws.keys([[5], [7], [5], [5]], draws.turns([[5], [7], [5], [5]]))
    assert len(set(told.tolist())) == 4 and torch.equal(told[:2], draws.keys([[5], [7]]))
    torch.rand(9)
    assert torch.equal(draws.keys([[7], [5]]), told[:2].flip(0)), "what was drawn before does not count"
    torch.manual_seed(2)
    assert not set(draws.keys([[5], [7]]).tolist()) & set(told.tolist())


SAMPLED = {"sample": True, "top_k": 20, "no_repeat": 3, "temperature": 0.8}


@pytest.mark.parametrize("kind", ["seq2seq", "causal"])
@pytest.mark.parametrize("settings", [SAMPLED, {"sample": True, "top_p": 0.9}])
def test_an_answer_is_the_same_in_any_batch_and_order(blank, tokenizer_of, kind, settings):
    model, tokenizer = blank(kind), tokenizer_of[kind]

    def ask(prompts: list, size: int) -> list[str]:
        torch.manual_seed(3)
        return family(kind).answer(model, tokenizer, prompts, 8, Predict(batch=size, **settings), ())[0]

    told = ask(PROMPTS, 64)
    assert told == ask(PROMPTS[::-1], 64)[::-1]
    assert ask(PROMPTS[:12], 1) == ask(PROMPTS[:12], 3) == told[:12]
    assert len(set(told)) > 55, "and rows differ"
    torch.manual_seed(4)
    other, _ = family(kind).answer(model, tokenizer, PROMPTS, 8, Predict(batch=64, **settings), ())
    assert sum(one == two for one, two in zip(told, other, strict=True)) < 10


def test_equal_prompts_are_answered_alike_unless_they_have_turns(blank, tokenizer_of):
    model, tokenizer, settings = blank("seq2seq"), tokenizer_of["seq2seq"], Predict(sample=True)
    family_of = family("seq2seq")
    alike, _ = family_of.answer(model, tokenizer, [[7, 1]] * 3, 8, settings, ())
    apart, _ = family_of.answer(model, tokenizer, [[7, 1]] * 3, 8, settings, (), None, draws.turns([[7, 1]] * 3))
    assert len(set(alike)) == 1 and len(set(apart)) == 3 and apart[0] == alike[0]
