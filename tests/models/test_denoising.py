"""What is hidden is in the labels, and all the rest in the inputs."""

from itertools import pairwise

import pytest
import torch

from stages.models import denoising


@pytest.fixture
def corruption(tokenizer_of, blank):
    model = blank("seq2seq")
    return lambda seed: denoising.Seq2SeqDenoising(tokenizer_of["seq2seq"], model, seed)


def spans(ids: list[int], sentinels: list[int]) -> dict[int, list[int]]:
    """sentinel → the ids that follow it, up to the next one; those before the first stand under 0."""
    told, at = {0: []}, 0
    for one in ids:
        if one in sentinels:
            assert one not in told
            told[at := one] = []
        else:
            told[at].append(one)
    return told


@pytest.mark.parametrize("length", [1, 2, 3, 7, 40, 127])
def test_inputs_and_labels_put_together_are_the_row(corruption, length):
    collator, body = corruption(3), list(range(1000, 1000 + length))
    for _ in range(60):
        one = collator.spans(body)
        assert (one["input_ids"][-1], one["labels"][-1], one["labels"][0]) == (1, 1, collator.sentinels[0])
        hidden = spans(one["labels"][:-1], collator.sentinels)
        shown = spans(one["input_ids"][:-1], collator.sentinels)
        assert list(hidden) == list(shown) and hidden[0] == []
        assert all(hidden[sentinel] for sentinel in hidden if sentinel)
        assert [one for at in shown for one in hidden[at] + shown[at]] == body


def test_spans_do_not_touch(corruption):
    """Two sentinels side by side would be one span told in two pieces."""
    collator = corruption(4)
    for _ in range(100):
        ids = collator.spans([*range(1000, 1040)])["input_ids"]
        assert not any(a in collator.sentinels and b in collator.sentinels for a, b in pairwise(ids))


@pytest.mark.parametrize("length", [1, 2, 40])
def test_a_rebuilt_row_keeps_some_of_its_tokens_in_any_order(corruption, length):
    collator, body = corruption(5), list(range(1000, 1000 + length))
    rows = [collator.rebuilt(body) for _ in range(20)]
    for one in rows:
        assert one["labels"] == [*body, 1] and one["input_ids"][-1] == 1
        kept = one["input_ids"][:-1]
        assert len(kept) == len(set(kept)) == max(1, round(0.3 * length)) and set(kept) <= set(body)
    assert any(one["input_ids"] != [*sorted(one["input_ids"][:-1]), 1] for one in rows) == (length > 2)


def test_half_the_rows_are_rebuilt_and_15_percent_of_the_others_hidden(corruption):
    collator = corruption(5)
    hidden = [sum(1000 <= i < 1100 for i in collator.corrupt([*range(1000, 1100), 1])["labels"]) for _ in range(200)]
    assert set(hidden) == {15, 100}
    assert 60 < hidden.count(15) < 140


def test_a_row_that_has_labels_is_only_padded(corruption):
    batch = corruption(5)([{"input_ids": [20, 21, 1], "labels": [22, 1]}, {"input_ids": [20, 1], "labels": [1]}])
    assert batch["input_ids"].tolist() == [[20, 21, 1], [20, 1, 0]]
    assert batch["labels"].tolist() == [[22, 1], [1, -100]]


def test_the_seed_decides_what_is_hidden(corruption):
    rows = [{"input_ids": [*range(20, 50), 1], "length": 31}, {"input_ids": [20, 21, 1], "length": 3}]
    first, same, other = corruption(6)(rows), corruption(6)(rows), corruption(7)(rows)
    assert {name: value.tolist() for name, value in first.items()} == {k: v.tolist() for k, v in same.items()}
    assert first["labels"].tolist() != other["labels"].tolist()


def test_a_row_is_corrupted_anew_each_time_it_is_seen(corruption):
    collator = corruption(8)
    row = [{"input_ids": [*range(20, 50), 1]}]
    assert len({str(collator(row)["labels"].tolist()) for _ in range(5)}) > 1


def test_a_batch_is_padded_with_no_loss_on_the_padding(corruption):
    batch = corruption(9)([{"input_ids": [*range(20, 50), 1]}, {"input_ids": [20, 1]}])
    assert batch["labels"].shape[0] == 2 and batch["labels"][1, -1] == -100
    assert torch.equal(batch["attention_mask"], (batch["input_ids"] != 0).long())
    assert "decoder_input_ids" in batch


def test_an_encoder_learns_masked_tokens(tokenizer_of, blank):
    tokenizer = tokenizer_of["encoder"]
    collator = denoising.collator("encoder", tokenizer, blank("encoder"), seed=1)
    torch.manual_seed(1)
    batch = collator([{"input_ids": tokenizer("Суп был холодный " * 8)["input_ids"]} for _ in range(8)])
    told = batch["labels"] != -100
    ids = [5, 6, 7, 8] * 9
    assert collator.corrupt(ids) != collator.corrupt(ids)
    one, same = (denoising.collator("encoder", tokenizer, blank("encoder"), seed=1) for _ in range(2))
    assert one.corrupt(ids) == same.corrupt(ids)
    assert 0.05 < told.float().mean() < 0.3
    assert (batch["input_ids"][told] == tokenizer.mask_token_id).float().mean() > 0.5
    framed = batch["labels"][:, [0, -1]]
    assert (framed == -100).all()
