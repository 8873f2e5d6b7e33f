"""Writing by the sentence: a text goes on as if it stood alone, and is weighed as the loss weighs it."""

import pytest
import torch
from transformers import MT5Config, MT5ForConditionalGeneration, UMT5Config, UMT5ForConditionalGeneration

from stages.models import continuing, draws
from stages.params import Predict

TEXTS = ["Суп всем понравился.", "Больше не придём, ждали целый час.", "Пицца был холодный."]


def test_the_likelihood_is_that_of_the_loss_text_by_text(blank, tokenizer_of):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq").eval()
    read = continuing.Reader(model, tokenizer)
    written = [tokenizer(text)["input_ids"] for text in TEXTS]
    prompts = [[5, 9, 30, 1], [7, 1], [8, 8, 8, 8, 1]]
    told = continuing.likelihood(read, prompts, written, Predict(batch=2))
    for prompt, text, total in zip(prompts, written, told, strict=True):
        with torch.no_grad():
            mean = model(input_ids=torch.tensor([prompt]), labels=torch.tensor([text])).loss.item()
        assert total == pytest.approx(-mean * len(text), rel=1e-4)


@pytest.mark.parametrize("kind", ["blank", "scaled", "mt5", "umt5"])
def test_what_is_known_of_a_text_is_left_out(blank, tokenizer_of, kind):
    """Heads that scale what they are given and heads that do not; texts of which nothing, a part and all is known."""
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq").eval()
    if "mt5" in kind:
        of, config = {
            "mt5": (MT5ForConditionalGeneration, MT5Config),
            "umt5": (UMT5ForConditionalGeneration, UMT5Config),
        }[kind]
        shape = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
        model = of(config(vocab_size=len(tokenizer), **shape)).eval()
        torch.nn.init.normal_(model.lm_head.weight)
    elif kind == "scaled":
        model.config.scale_decoder_outputs = True
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone() * 200)
    read, asked = continuing.Reader(model, tokenizer), Predict(batch=2)
    written = [tokenizer(text)["input_ids"] for text in TEXTS]
    prompts, since = [[5, 9, 30, 1], [7, 1], [8, 8, 8, 8, 1]], [0, 3, len(written[2])]
    told = continuing.likelihood(read, prompts, written, asked, since)
    for prompt, text, known, total in zip(prompts, written, since, told, strict=True):
        with torch.no_grad():
            scores = model(input_ids=torch.tensor([prompt]), labels=torch.tensor([text])).logits[0].log_softmax(-1)
        each = scores.gather(1, torch.tensor(text).unsqueeze(1))[known:]
        assert total == pytest.approx(each.sum().item(), rel=1e-4)
    assert told[2] == 0.0 > max(told[:2])
    logits = model(input_ids=torch.tensor([prompts[0]]), labels=torch.tensor([written[0]])).logits
    assert logits.shape[-1] > 32  # the model keeps its head


def test_a_text_goes_on_by_one_sentence_as_if_it_stood_alone(blank, tokenizer_of):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq").eval()
    read = continuing.Reader(model, tokenizer)
    greedy = Predict(sample=True, temperature=1e-6, batch=3)
    prompts, written = [[5, 9, 30, 1], [7, 1], [8, 8, 8, 8, 1]], [[], [6, 11, 12, 40, 7], [9, 10]]
    together = continuing.extend(read, prompts, written, 12, greedy, draws.keys(prompts))
    pairs = zip(prompts, written, strict=True)
    alone = [
        continuing.extend(continuing.Reader(model, tokenizer), [p], [w], 12, greedy, draws.keys([p]))[0]
        for p, w in pairs
    ]
    assert together == alone  # padding on the left changes nothing
    assert [more[: len(so_far)] for more, so_far in zip(together, written, strict=True)] == written
    assert all(len(so_far) < len(more) <= len(so_far) + 12 for more, so_far in zip(together, written, strict=True))


def test_a_sentence_ends_with_its_mark(blank, tokenizer_of):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq")
    read = continuing.Reader(model, tokenizer)
    stop = next(i for i in range(len(tokenizer)) if tokenizer.convert_ids_to_tokens(i)[-1:] == ".")
    with torch.no_grad():  # whatever stands before, a full stop is likeliest
        model.shared.weight.zero_()
        model.shared.weight[stop] = 1.0
        model.decoder.final_layer_norm.weight.fill_(5.0)
        model.shared.weight[0] = 0.5
    told = continuing.extend(read, [[7, 1]], [[]], 12, Predict(sample=True, temperature=0.01), draws.keys([[7, 1]]))
    assert told == [[stop]]


def test_an_empty_text_has_no_nats_and_stops_no_other(blank, tokenizer_of):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq")
    text = tokenizer(TEXTS[0])["input_ids"]
    (alone,) = continuing.likelihood(continuing.Reader(model, tokenizer), [[7, 1]], [text], Predict(batch=2))
    told = continuing.likelihood(
        continuing.Reader(model, tokenizer), [[7, 1]] * 4, [[], text, [], []], Predict(batch=2)
    )
    assert told == [0.0, pytest.approx(alone, rel=1e-4), 0.0, 0.0]


def test_a_prompt_is_read_once(blank, tokenizer_of, monkeypatch):
    tokenizer, model = tokenizer_of["seq2seq"], blank("seq2seq")
    read, seen = continuing.Reader(model, tokenizer), []
    encoder = model.get_encoder()
    monkeypatch.setattr(
        encoder, "forward", lambda **batch: (seen.append(batch), type(encoder).forward(encoder, **batch))[1]
    )
    first = read([[7, 1], [5, 9, 1], [7, 1]], Predict(batch=8))
    again = read([[5, 9, 1]], Predict(batch=8))
    assert len(seen) == 1 and seen[0]["input_ids"].shape == (2, 3)
    assert torch.equal(again["encoder_outputs"].last_hidden_state[0], first["encoder_outputs"].last_hidden_state[1])
    assert first["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 0]]
