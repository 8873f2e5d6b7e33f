"""The decoder family: targets alone are learnt, and an answer does not hang on the padding before its prompt."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from stages.models import adapters, causal, denoising
from stages.models import tokenizer as tokenizers
from stages.params import Lora, Predict

PROMPTS = ["rating 5 | keywords суп", "rating 1", "rating 2 | keywords пицца"]
TEXTS = ["Суп всем понравился.", "Больше не придём, ждали целый час.", "Пицца был холодный."]


@pytest.fixture
def tokenizer(tokenizer_of):
    return tokenizer_of["causal"]


@pytest.fixture
def batch(tokenizer, blank):
    labels, cut = causal.targets(tokenizer, TEXTS, 64, ())
    rows = [{"input_ids": tokenizer(p)["input_ids"], "labels": t} for p, t in zip(PROMPTS, labels, strict=True)]
    assert cut == 0
    return causal.collator(tokenizer, blank("causal"))(rows)


def test_a_row_is_prompt_separator_target_and_end(tokenizer, batch):
    end = tokenizer.eos_token_id
    for at, (prompt, text) in enumerate(zip(PROMPTS, TEXTS, strict=True)):
        ids = batch["input_ids"][at][batch["attention_mask"][at].bool()].tolist()
        own = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert ids == [*tokenizer(prompt, add_special_tokens=False)["input_ids"], end, *own, end]
        assert batch["labels"][at][batch["labels"][at] != -100].tolist() == [*own, end]


def test_a_target_that_is_cut_keeps_its_end(tokenizer):
    (ids,), cut = causal.targets(tokenizer, [TEXTS[1]], 6, ())
    assert (len(ids), ids[-1], cut) == (6, tokenizer.eos_token_id, 1)


def test_loss_is_the_mean_per_target_token_told_from_those_before(blank, batch):
    outputs, labels = (
        blank("causal")(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]),
        batch["labels"],
    )
    told = [(row, at) for row in range(3) for at in range(1, labels.shape[1]) if labels[row, at] != -100]
    by_hand = cross_entropy(
        torch.stack([outputs.logits[row, at - 1] for row, at in told]),
        torch.stack([labels[row, at] for row, at in told]),
    )
    assert causal.loss(outputs, labels).item() == pytest.approx(by_hand.item(), rel=1e-6)
    assert causal.loss(outputs, labels, num_items_in_batch=2 * len(told)).item() == pytest.approx(by_hand.item() / 2)


@torch.no_grad()
def test_a_saved_model_gives_the_same_logits(blank, batch, tmp_path):
    model = blank("causal").eval()
    model.save_pretrained(tmp_path)
    assert torch.equal(model(**batch).logits, causal.load(tmp_path).eval()(**batch).logits)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_an_answer_is_the_same_whatever_stands_beside_it(blank, tokenizer, size):
    """Prompts of a batch are padded on the left; the padding must not be read."""
    model = blank("causal")
    ids = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    alone = [causal.answer(model, tokenizer, [one], 8, Predict(), ())[0][0] for one in ids]
    texts, confidence = causal.answer(model, tokenizer, ids, 8, Predict(batch=size), ())
    assert texts == alone and confidence == [None] * 3
    assert all(len(tokenizer(text)["input_ids"]) <= 8 + 2 for text in texts)


def test_a_prompt_without_its_closing_token_is_answered_alike(blank, tokenizer):
    """Tokenizers of released decoders put none there."""
    model, ids = blank("causal"), tokenizer(PROMPTS[0])["input_ids"]
    assert causal.answer(model, tokenizer, [ids], 8, Predict(), ()) == causal.answer(
        model, tokenizer, [ids[:-1]], 8, Predict(), ()
    )


def test_a_tokenizer_without_padding_pads_with_its_end(tokenizer):
    import copy

    bare = copy.deepcopy(tokenizer)
    bare.pad_token = None
    assert causal.padded(bare).pad_token_id == bare.eos_token_id


def test_an_adapter_learns_beside_the_frozen_model(blank):
    method = Lora(kind="lora", epochs=1, lr=1e-3, batch=2, rank=2, alpha=4, targets=("q_proj", "v_proj"))
    model = adapters.prepare(blank("causal"), method, causal.TASK_TYPE, "recipes.a")
    learning, size = adapters.count(model)
    assert 0 < learning == 2 * 2 * 2 * (32 + 32) < size / 20


def test_a_base_learns_the_next_token(tokenizer, blank):
    collator = denoising.collator("causal", tokenizer, blank("causal"), seed=1)
    assert collator.corrupt([7, 8, 9, 1]) == {"input_ids": [7, 8, 9, 1], "labels": [-100, 8, 9, 1]}
    batch = collator([{"input_ids": [7, 8, 9, 1], "length": 4}, {"input_ids": [7, 1], "length": 2}])
    assert batch["labels"].tolist() == [[-100, 8, 9, 1], [-100, 1, -100, -100]]
    assert batch["input_ids"].tolist() == [[7, 8, 9, 1], [7, 1, 0, 0]]


def test_a_blank_model_knows_nothing_yet(blank, batch):
    model = blank("causal")
    loss = causal.loss(model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]), batch["labels"])
    assert loss.item() == pytest.approx(torch.log(torch.tensor(float(model.config.vocab_size))).item(), rel=0.25)


LABELS = ("плохо", "так себе, ничего особенного", "хорошо")


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_labels_chance_is_that_of_writing_it(blank, tokenizer, size):
    model = blank("causal").eval()
    ids = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    likeliest, chances = causal.chances(model, tokenizer, ids, Predict(batch=size), LABELS)
    told, _ = causal.targets(tokenizer, list(LABELS), 64, LABELS)
    assert len({len(label) for label in told}) > 1, "else padding would go unseen"
    for prompt, chosen, each in zip(ids, likeliest, chances, strict=True):
        asked, sums, means = tokenizers.framed(list(prompt), tokenizer), [], []
        for label in told:
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([[*asked, *label]])).logits[0, len(asked) - 1 : -1]
            own = logits.log_softmax(-1).gather(-1, torch.tensor(label).unsqueeze(-1))
            sums.append(own.sum().item())
            means.append(own.mean().item())
        assert each == pytest.approx(torch.tensor(sums).softmax(0).tolist(), abs=1e-5)
        assert chosen == LABELS[int(torch.tensor(means).argmax())]
