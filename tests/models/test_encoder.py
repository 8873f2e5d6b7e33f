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


# --- a regressor, a pair ---------------------------------------------------------------------------------------------


@pytest.fixture
def regressor(classifier):
    def build():
        return encoder.load(classifier().config._name_or_path, ("answer_score",)).eval()

    return build


@torch.no_grad()
def test_a_new_regressor_starts_at_the_middle_of_the_scale_and_a_saved_one_where_it_was(regressor, tmp_path):
    model = regressor()
    assert model.classifier.bias.tolist() == [encoder.MIDDLE]
    model.classifier.bias.fill_(0.25)
    model.save_pretrained(tmp_path / "saved")
    assert encoder.load(tmp_path / "saved", ("score",)).classifier.bias.tolist() == [0.25]


def test_loss_of_a_number_is_the_mean_squared_error():
    logits, labels = torch.tensor([[0.5], [1.0], [0.0]]), torch.tensor([1.0, 1.0, 0.5])
    assert encoder.loss({"logits": logits}, labels).item() == pytest.approx(0.5 / 3)
    assert encoder.loss({"logits": logits}, labels, num_items_in_batch=6).item() == pytest.approx(0.5 / 6)
    labels[0] = -100  # no label
    assert encoder.loss({"logits": logits}, labels, num_items_in_batch=2).item() == pytest.approx(0.25 / 2)


@torch.no_grad()
@pytest.mark.parametrize("size", [1, 64])
def test_a_regressor_answers_with_its_number_in_order(regressor, tokenizer_of, size):
    model, tokenizer = regressor(), tokenizer_of["encoder"]
    assert model.config.num_labels == 1
    torch.nn.init.normal_(model.classifier.weight, std=5.0)
    ids = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    numbers = [model(torch.tensor([one])).logits.item() for one in ids]
    told, confidence = encoder.answer(model, tokenizer, ids, 1, Predict(batch=size), ("0", "1"))
    assert [float(one) for one in told] == pytest.approx(numbers, abs=1e-4) and confidence == [None] * 3
    assert len(set(told)) == 3


def test_what_stands_behind_the_first_separator_is_a_second_segment(tokenizer_of, classifier):
    model, tokenizer = classifier(), tokenizer_of["encoder"]
    pair, single = (tokenizer(*one, return_token_type_ids=True) for one in (("Суп", "был холодный"), ("Кофе",)))
    rows = [{"input_ids": one["input_ids"], "labels": 0} for one in (pair, single)]
    assert "token_type_ids" not in encoder.collator(tokenizer, model)(rows), "this base knows one type alone"
    model.config.type_vocab_size = 2
    types = encoder.collator(tokenizer, model)(rows)["token_type_ids"].tolist()
    assert types[0] == pair["token_type_ids"] and 0 < sum(types[0]) < len(types[0]) - 1
    assert types[1] == [0] * len(types[0])


@torch.no_grad()
def test_training_and_answering_see_the_same_types(tokenizer_of, classifier):
    model, tokenizer = classifier(), tokenizer_of["encoder"]
    model.config.type_vocab_size = 2
    old, new = model.bert.embeddings.token_type_embeddings, torch.nn.Embedding(2, 32)
    new.weight[0] = old.weight[0]
    model.bert.embeddings.token_type_embeddings = new
    torch.nn.init.normal_(model.classifier.weight, std=5.0)
    pair = tokenizer("Суп", "был холодный")["input_ids"]
    batch = encoder.collator(tokenizer, model)([{"input_ids": pair}])
    sure = model(**batch).logits.softmax(-1).max().item()
    told = encoder.answer(model, tokenizer, [pair], 1, Predict(batch=1), LABELS)[1][0]
    plain = model(torch.tensor([pair])).logits.softmax(-1).max().item()
    assert told == pytest.approx(sure, abs=1e-6) and abs(plain - sure) > 1e-6
