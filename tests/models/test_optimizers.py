"""Muon for matrices and AdamW for the rest, as one optimizer."""

import copy

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from stages.models.optimizers import Joined, optimizer

IDS = {"input_ids": torch.tensor([[5, 9, 30, 1]]), "labels": torch.tensor([[7, 8, 1]])}


def step(model, moved, times=1):
    for _ in range(times):
        moved.zero_grad()
        model(**IDS).loss.backward()
        moved.step()


def test_adamw_is_left_to_trainer(blank):
    assert optimizer(blank("seq2seq"), "adamw", 1e-3, 0.02, 0.0) is None


def test_every_weight_is_in_one_part_and_tables_are_not_matrices(blank):
    model = blank("seq2seq")
    joined = optimizer(model, "muon", 1e-3, 0.02, 0.0)
    muon, adamw = ([id(w) for g in part.param_groups for w in g["params"]] for part in joined.parts)
    assert sorted(muon + adamw) == sorted(id(weight) for weight in model.parameters())
    names = {id(weight): name for name, weight in model.named_parameters()}
    assert {names[one].rpartition(".")[0].rpartition(".")[2] for one in muon} == {
        "q",
        "k",
        "v",
        "o",
        "wi_0",
        "wi_1",
        "wo",
    }
    assert {names[one] for one in adamw} >= {"shared.weight"}


def test_frozen_weights_are_left_out(blank):
    model = blank("seq2seq")
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.endswith("q.weight"))
    assert type(optimizer(model, "muon", 1e-3, 0.02, 0.0)) is torch.optim.Muon


def test_a_scheduler_turns_both_parts(blank):
    joined = optimizer(blank("seq2seq"), "muon", 0.5, 0.25, 0.0)
    schedule = LambdaLR(joined, lambda at: 0.5**at)
    joined.step()
    schedule.step()
    assert [group["lr"] for part in joined.parts for group in part.param_groups] == [0.125, 0.25]


def test_both_parts_move_their_weights_and_the_loss_falls(blank):
    model = blank("seq2seq")
    before = copy.deepcopy(model.state_dict())
    first = model(**IDS).loss.item()
    step(model, optimizer(model, "muon", 1e-3, 0.02, 0.0), times=10)
    assert model(**IDS).loss.item() < first - 0.5
    for name in ("shared.weight", "decoder.block.0.layer.1.EncDecAttention.v.weight"):
        assert not torch.equal(before[name], model.state_dict()[name])


@pytest.mark.parametrize("again", [True, False])
def test_what_is_restored_goes_on_as_if_never_stopped(blank, again):
    model = blank("seq2seq")
    joined = optimizer(model, "muon", 1e-3, 0.02, 0.0)
    step(model, joined, times=3)
    other = copy.deepcopy(model)
    restored = optimizer(other, "muon", 1e-3, 0.02, 0.0)
    assert isinstance(restored, Joined)
    if again:
        restored.load_state_dict(copy.deepcopy(joined.state_dict()))
    step(model, joined)
    step(other, restored)
    same = all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    assert same == again
