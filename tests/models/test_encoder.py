"""The encoder family: labels in, labels out."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from stages.models import encoder
from stages.params import Predict

LABELS = ("negative", "neutral", "positive")
PROMPTS = ["Суп был холодный, больше не придём.", "Кофе", "Десерт всем понравился, придём ещё."]


@torch.no_grad()
def test_a_saved_classifier_gives_the_same_logits(classifier, tokenizer_of, tmp_path):
    model = classifier()
    model.save_pretrained(tmp_path / "saved")
    loaded = encoder.load(tmp_path / "saved", LABELS).eval()
    ids = torch.tensor([tokenizer_of["encoder"](PROMPTS[0])["input_ids"]])
    assert torch.allclose(model(ids).logits, loaded(ids).logits, atol=1e-6)
    assert loaded.config.id2label == dict(enumerate(LABELS))


@torch.no_grad()
def test_only_the_head_is_drawn_when_a_base_is_opened(classifier):
    """An adapter saves its head and nothing else that is drawn: whatever else were new would be lost with it."""
    one = classifier()
    torch.manual_seed(99)
    other = encoder.load(one.config._name_or_path, LABELS)
    different = {name for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True)
                 if not torch.equal(a, b)}  # fmt: skip
    assert different == {"classifier.weight"}


def test_targets_are_the_numbers_of_the_labels(tokenizer_of):
    assert encoder.targets(tokenizer_of["encoder"], ["positive", "negative"], 1, LABELS) == ([2, 0], 0)


def test_loss_is_the_mean_per_row():
    logits, labels = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), torch.tensor([2, 0])
    by_hand = cross_entropy(logits, labels).item()
    assert encoder.loss({"logits": logits}, labels).item() == pytest.approx(by_hand)
    assert encoder.loss({"logits": logits}, labels, num_items_in_batch=8).item() == pytest.approx(by_hand / 4)


@torch.no_grad()
@pytest.mark.parametrize("size", [1, 2, 64])
def test_each_prompt_gets_its_likeliest_label_in_order(classifier, tokenizer_of, size):
    model, tokenizer = classifier(), tokenizer_of["encoder"]
    torch.nn.init.normal_(model.classifier.weight, std=5.0)
    ids = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    likely = [model(torch.tensor([one])).logits.softmax(-1).max(-1) for one in ids]
    labels, confidence = encoder.answer(model, tokenizer, ids, 1, Predict(batch=size), LABELS)
    assert labels == [LABELS[one.indices.item()] for one in likely]
    assert confidence == pytest.approx([one.values.item() for one in likely], abs=1e-5)
