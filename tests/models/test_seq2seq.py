"""The encoder-decoder family: what is saved is what was trained, and loss is per target token."""

import copy
import itertools

import pytest
import torch
from torch.nn.functional import cross_entropy

from stages.models import seq2seq
from stages.params import Predict

PROMPTS = ["rating 5 | keywords суп", "rating 1", "rating 2 | keywords пицца"]
TEXTS = ["Суп всем понравился.", "Больше не придём, ждали целый час.", "Пицца был холодный."]


@pytest.fixture
def batch(tokenizer_of, blank):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq")
    labels, cut = seq2seq.targets(tokenizer, TEXTS, 64, ())
    rows = [{"input_ids": tokenizer(p)["input_ids"], "labels": t} for p, t in zip(PROMPTS, labels, strict=True)]
    assert cut == 0
    return seq2seq.collator(tokenizer, model)(rows)


@torch.no_grad()
def test_a_saved_model_gives_the_same_logits(blank, batch, tmp_path):
    model = blank("seq2seq").eval()
    model.save_pretrained(tmp_path)
    loaded = seq2seq.load(tmp_path).eval()
    assert torch.equal(model(**batch).logits, loaded(**batch).logits)
    assert loaded.lm_head.weight.data_ptr() == loaded.shared.weight.data_ptr()
    assert loaded.config.scale_decoder_outputs is False


@torch.no_grad()
def test_the_decoders_output_is_not_scaled_down(blank, batch):
    model = blank("seq2seq").eval()
    scaled = copy.deepcopy(model)
    scaled.config.scale_decoder_outputs = True
    assert torch.allclose(model(**batch).logits, scaled(**batch).logits * 32**0.5, atol=1e-4)


def test_a_blank_model_knows_nothing_yet(blank, batch):
    model = blank("seq2seq")
    assert model.shared.weight.std().item() == pytest.approx(0.05, rel=0.05)
    loss = seq2seq.loss(model(**batch), batch["labels"]).item()
    assert loss == pytest.approx(torch.log(torch.tensor(float(model.config.vocab_size))).item(), rel=0.25)


def test_loss_is_the_mean_per_target_token(blank, batch):
    outputs, labels = blank("seq2seq")(**batch), batch["labels"]
    told = labels != -100
    by_hand = cross_entropy(outputs.logits[told], labels[told])
    assert (~told).any()
    assert seq2seq.loss(outputs, labels).item() == pytest.approx(by_hand.item(), rel=1e-6)
    halved = seq2seq.loss(outputs, labels, num_items_in_batch=2 * told.sum())
    assert halved.item() == pytest.approx(by_hand.item() / 2, rel=1e-6)


def ask(model, tokenizer, settings: Predict, prompts=tuple(PROMPTS)) -> list[str]:
    ids = [tokenizer(prompt)["input_ids"] for prompt in prompts]
    torch.manual_seed(1)
    texts, confidence = seq2seq.answer(model, tokenizer, ids, 8, settings, ())
    assert confidence == [None] * len(prompts)
    return texts


@pytest.mark.parametrize("size", [1, 2, 64])
def test_answers_stand_in_the_order_of_the_prompts(blank, tokenizer_of, monkeypatch, size):
    model, tokenizer = blank("seq2seq"), tokenizer_of["seq2seq"]
    asked = []

    def echo(input_ids, **options):
        asked.append(options)
        return input_ids

    monkeypatch.setattr(model, "generate", echo)
    assert ask(model, tokenizer, Predict(batch=size, sample=True, temperature=0.7)) == PROMPTS
    assert {(one["max_new_tokens"], one["do_sample"]) for one in asked} == {(8, False)}
    assert all(len(one["logits_processor"]) == 1 for one in asked)  # what draws in its place


def test_a_drawn_answer_is_decided_by_the_seed(blank, tokenizer_of):
    model, tokenizer = blank("seq2seq"), tokenizer_of["seq2seq"]
    drawn = Predict(sample=True, temperature=1.0, top_p=0.95)
    assert ask(model, tokenizer, drawn) == ask(model, tokenizer, drawn) != ask(model, tokenizer, Predict())


def test_an_answer_has_at_most_its_limit_of_tokens(blank, tokenizer_of):
    model, tokenizer = blank("seq2seq"), tokenizer_of["seq2seq"]
    assert all(len(tokenizer(text)["input_ids"]) <= 8 + 2 for text in ask(model, tokenizer, Predict()))


LABELS = ("плохо", "так себе, ничего особенного", "хорошо")


@torch.no_grad()
def by_hand(model, tokenizer, prompt: str) -> torch.Tensor:
    """(labels, 2): the log-probability of writing each label after the prompt, whole and per token."""
    told = []
    for label in LABELS:
        ids = torch.tensor([tokenizer(label)["input_ids"]])
        logits = model(input_ids=torch.tensor([tokenizer(prompt)["input_ids"]]), labels=ids).logits
        each = logits.log_softmax(-1).gather(-1, ids.unsqueeze(-1))
        told.append([each.sum().item(), each.mean().item()])
    return torch.tensor(told)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_labels_chance_is_that_of_writing_it(blank, tokenizer_of, size):
    model, tokenizer = blank("seq2seq").eval(), tokenizer_of["seq2seq"]
    ids = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    likeliest, chances = seq2seq.chances(model, tokenizer, ids, Predict(batch=size), LABELS)
    for prompt, label, each in zip(PROMPTS, likeliest, chances, strict=True):
        whole, per_token = by_hand(model, tokenizer, prompt).T
        assert each == pytest.approx(whole.softmax(0).tolist(), abs=1e-5)
        assert label == LABELS[per_token.argmax()]
    lengths = [len(tokenizer(label)["input_ids"]) for label in LABELS]
    assert len(set(lengths)) > 1  # else whole and per token would be the same, and padding would go unseen


def test_a_long_label_is_not_passed_over_for_its_length(blank, tokenizer_of, monkeypatch):
    """Each token is as likely as any other: the longest label is the least likely whole, and no less so per token."""
    model, tokenizer = blank("seq2seq").eval(), tokenizer_of["seq2seq"]
    torch.nn.init.zeros_(model.lm_head.weight)
    ids = [tokenizer(PROMPTS[0])["input_ids"]]
    _, chances = seq2seq.chances(model, tokenizer, ids, Predict(), LABELS)
    assert chances[0][1] < 1e-6 < chances[0][0]
    with torch.no_grad():  # now the long label's own tokens are a little likelier than others
        inner = tokenizer(LABELS[1])["input_ids"]
        monkeypatch.setattr(model.lm_head, "bias", torch.nn.Parameter(torch.zeros(model.config.vocab_size)))
        model.lm_head.bias[inner] += 0.5
    likeliest, chances = seq2seq.chances(model, tokenizer, ids, Predict(), LABELS)
    assert likeliest == [LABELS[1]] and chances[0][1] < chances[0][0]


def test_no_run_of_tokens_is_written_twice_where_that_is_asked(blank, tokenizer_of, monkeypatch):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq")
    words = [token for piece, token in tokenizer.get_vocab().items() if piece[0] == "▁" and piece[4:].isalpha()]
    monkeypatch.setattr(model.lm_head, "bias", torch.nn.Parameter(torch.zeros(model.config.vocab_size)))
    model.lm_head.bias.data[sorted(words)[:3]] += 50.0
    model.lm_head.bias.data[tokenizer.all_special_ids] -= 50.0  # they leave no trace in a text

    def pairs(**settings) -> list[tuple[str, str]]:
        (text,), _ = seq2seq.answer(model, tokenizer, [[7, 1]], 5, Predict(**settings), ())
        return list(itertools.pairwise(text.split()))

    free, held = pairs(), pairs(no_repeat=2)
    assert len(set(free)) == 1 < len(free)
    assert len(set(held)) == len(held) > 1
