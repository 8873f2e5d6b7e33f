"""CTranslate2 beside transformers: the same tokens, as likely; draws with the same shares, repeatable for a table."""

from pathlib import Path

import ctranslate2
import pytest
import torch
from scipy.stats import chisquare
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MT5Config,
    MT5ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from stages.models import converted, draws, family
from stages.models import tokenizer as tokenizers
from stages.params import Predict
from stages.refusal import Refusal

LIMIT, VOCABULARY = 12, 160
ROWS = 32
PROMPTS = [[2 + (7 * at + 11 * place) % 60 for place in range(1 + at % 13)] + [1] for at in range(ROWS)]


T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "pad_token_id": 0, "dropout_rate": 0.0}
T5 |= {"decoder_start_token_id": 0, "vocab_size": VOCABULARY, "eos_token_id": 1}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": VOCABULARY, "eos_token_id": 1}


def t5(scaled: bool, gated: bool = True, tied: bool = True, kind=T5ForConditionalGeneration, config=T5Config):
    """Embeddings spread out, so that greedy answers differ; padding is never said."""
    torch.manual_seed(5)
    model = kind(config(feed_forward_proj="gated-gelu" if gated else "relu", **T5))
    if kind is T5ForConditionalGeneration:
        model.config.scale_decoder_outputs = scaled
    torch.nn.init.normal_(model.shared.weight, std=0.5)
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) * 0.3)
    with torch.no_grad():
        model.lm_head.weight[0] = 0.0
    return model.eval()


@pytest.fixture
def models(blank):
    """Each kind of T5 that the converter tells apart, and decoders."""

    def gpt2():
        torch.manual_seed(5)
        return GPT2LMHeadModel(GPT2Config(initializer_range=0.3, bos_token_id=1, **GPT2)).eval()

    return {
        "scaled": lambda: t5(True),
        "not scaled": lambda: t5(False),
        "untied": lambda: t5(False, tied=False),
        "relu": lambda: t5(True, gated=False),
        "relu, untied": lambda: t5(False, gated=False, tied=False),
        "mt5": lambda: t5(False, kind=MT5ForConditionalGeneration, config=MT5Config),
        "llama": lambda: blank("causal").eval(),
        "gpt2": gpt2,
    }


@pytest.fixture
def tokenizer(tokenizer_of):
    return tokenizer_of["causal"]  # of either kind alone its closing token is asked


def greedy(model, tokenizer, prompts: list, **settings) -> list[list[int]]:
    """What transformers writes, one row at a time, without the end."""
    told = []
    for prompt in prompts:
        asked = tokenizers.framed(list(prompt), tokenizer)
        rules = Predict(**settings).generation | {"max_new_tokens": LIMIT, "num_beams": 1, "pad_token_id": 0}
        written = model.generate(torch.tensor([asked]), attention_mask=torch.ones(1, len(asked)), **rules)
        ids = written[0, 1 if model.config.is_encoder_decoder else len(asked) :].tolist()
        told.append(ids[: ids.index(1)] if 1 in ids else ids)
    return told


@torch.no_grad()
def nats(model, prompt: list[int], text: list[int]) -> list[float]:
    """The log-probability of each token of a text and of its end, by transformers."""
    whole = torch.tensor([*text, 1])
    if model.config.is_encoder_decoder:
        logits = model(input_ids=torch.tensor([prompt]), labels=whole.unsqueeze(0)).logits[0]
    else:
        logits = model(input_ids=torch.tensor([[*prompt, *whole]])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1).gather(-1, whole.unsqueeze(-1)).squeeze(-1).tolist()


def differences(model, compute_type: str, texts: list[list[int]]) -> list[float]:
    """How far apart the log-probabilities of the texts' tokens are."""
    made, told = converted.Converted(model, compute_type), []
    if model.config.is_encoder_decoder:
        scored = made.writers(1)[0].score_batch(converted.named(PROMPTS), converted.named(texts), max_input_length=0)
        told = [one.log_probs for one in scored]
    else:
        whole = [[*prompt, *text, 1] for prompt, text in zip(PROMPTS, texts, strict=True)]
        scored = made.writers(1)[0].score_batch(converted.named(whole), max_input_length=0)
        told = [one.log_probs[len(prompt) - 1 :] for one, prompt in zip(scored, PROMPTS, strict=True)]
    each = zip(told, (nats(model, *one) for one in zip(PROMPTS, texts, strict=True)), strict=True)
    return [abs(one - other) for row, own in each for one, other in zip(row, own, strict=True)]


KINDS = ("scaled", "not scaled", "untied", "relu", "relu, untied", "mt5", "llama", "gpt2")


@pytest.mark.parametrize("kind", KINDS)
def test_float32_writes_the_same_tokens_and_finds_them_as_likely(models, tokenizer, kind):
    model = models[kind]()
    texts = greedy(model, tokenizer, PROMPTS)
    assert len(set(map(tuple, texts))) > ROWS / 3, "else it says nothing"
    made = converted.Converted(model, "float32")
    assert converted.write(made, tokenizer, PROMPTS, LIMIT, Predict(batch=5)) == texts
    assert max(differences(model, "float32", texts)) < 5e-5


@pytest.mark.parametrize("kind", ["scaled", "not scaled", "llama"])
def test_int8_is_nearly_so(models, tokenizer, kind):
    model = models[kind]()
    apart = differences(model, "int8", greedy(model, tokenizer, PROMPTS))
    assert 1e-4 < sum(apart) / len(apart) < 0.05


def test_the_converters_own_flag_would_have_been_wrong(models, tokenizer):
    """Tokens would not have shown it: a scaled output has the same argmax."""
    model = models["not scaled"]()
    texts, right = greedy(model, tokenizer, PROMPTS), max(differences(model, "float32", PROMPTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.config, "scale_decoder_outputs", True)
        wrong = converted.Converted(model, "float32")
    assert converted.write(wrong, tokenizer, PROMPTS, LIMIT, Predict()) == texts
    scored = wrong.writers(1)[0].score_batch(converted.named(PROMPTS[:1]), converted.named(texts[:1]))[0].log_probs
    off = [abs(one - other) for one, other in zip(scored, nats(model, PROMPTS[0], texts[0]), strict=True)]
    assert max(off) > 1 > 1e-3 > right


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("untied", {"no_repeat": 2}), ("untied", {"repetition_penalty": 1.5}), ("llama", {"no_repeat": 2})],
)
def test_what_may_not_be_said_again_is_not(models, tokenizer, kind, settings):
    model = models[kind]()
    texts = greedy(model, tokenizer, PROMPTS, **settings)
    assert texts != greedy(model, tokenizer, PROMPTS)
    made = converted.Converted(model, "float32")
    assert converted.write(made, tokenizer, PROMPTS, LIMIT, Predict(**settings)) == texts


CUTS = [{}, {"temperature": 0.5}, {"top_k": 5}, {"top_p": 0.6}, {"top_p": 0.6, "temperature": 2.0}]


@pytest.mark.parametrize("settings", CUTS)
def test_its_draws_have_the_shares_of_transformers(models, tokenizer, settings):
    model, many, how = models["untied"](), 8000, Predict(sample=True, batch=256, **settings)
    with torch.no_grad():
        scores = model(input_ids=torch.tensor([[7, 9, 1]]), decoder_input_ids=torch.tensor([[0]])).logits[0]
    cut = draws.Draws(torch.zeros(1, dtype=torch.long), how).cuts(torch.zeros(1, 1, dtype=torch.long), scores)
    shares = cut.softmax(-1)[0].double()
    torch.manual_seed(2)
    told = converted.write(converted.Converted(model, "float32"), tokenizer, [[7, 9, 1]] * many, 1, how)
    counts = torch.bincount(torch.tensor([one[0] if one else 1 for one in told]), minlength=len(shares))
    assert counts[shares == 0].sum() == 0
    common = shares * many > 5
    rest = torch.stack([counts[~common].sum(), (shares[~common].sum() * many)])
    seen, wanted = counts[common].double(), shares[common] * many
    if rest[1] > 5:
        seen, wanted = torch.cat([seen, rest[:1]]), torch.cat([wanted, rest[1:]])
    assert chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue > 1e-3


@pytest.mark.parametrize("seed", [0, 20261121])
def test_the_same_table_and_seed_are_answered_with_the_same_draws(models, tokenizer, seed):
    made, how = converted.Converted(models["untied"](), "float32"), Predict(sample=True, top_k=20, batch=8)

    def ask(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return converted.write(made, tokenizer, PROMPTS, LIMIT, how)

    assert ask(seed) == ask(seed) != ask(seed + 1)


@pytest.mark.parametrize("kind", ["untied", "llama"])
def test_each_thread_has_a_writer_that_writes_its_rows(models, tokenizer, threads, kind):
    model = models[kind]()
    made, texts = converted.Converted(model, "float32"), greedy(model, tokenizer, PROMPTS)
    threads(3)
    assert len(made.writers(ROWS)) == 3 and len(made.writers(2)) == 2 and len(made.writers(0)) == 1
    assert converted.write(made, tokenizer, PROMPTS, LIMIT, Predict(batch=5)) == texts
    assert converted.write(made, tokenizer, PROMPTS[:2], LIMIT, Predict()) == texts[:2]
    assert converted.write(made, tokenizer, [], LIMIT, Predict()) == []


@pytest.mark.parametrize(("rows", "each"), [(1, [3]), (2, [1, 1]), (9, [1, 1, 1])])
@pytest.mark.parametrize("sampled", [False, True])
def test_writers_share_the_threads_and_leave_torch_its_own(models, threads, monkeypatch, rows, each, sampled):
    """CTranslate2 and torch have one OpenMP between them: what one is told, the other may hear."""
    made, told, kind = converted.Converted(models["untied"](), "float32"), [], ctranslate2.Translator
    monkeypatch.setattr(ctranslate2, "Translator", lambda *a, **b: (told.append(b["intra_threads"]), kind(*a, **b))[1])
    threads(3)
    made.writers(rows, sampled)
    assert told == each and torch.get_num_threads() == 3


@pytest.mark.parametrize("kind", ["untied", "llama"])
def test_each_writer_draws_for_itself_and_the_same_again(models, tokenizer, threads, kind):
    made, how = converted.Converted(models[kind](), "float32"), Predict(sample=True)
    threads(2)

    def ask(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return converted.write(made, tokenizer, [PROMPTS[3]] * 8, LIMIT, how)

    told = ask(7)
    assert told == ask(7) != ask(8)
    assert told[::2] != told[1::2], "else both writers hold one seed"


@pytest.mark.parametrize("kind", ["seq2seq", "causal"])
def test_the_texts_are_those_of_the_family(blank, tokenizer_of, kind):
    model, tokenizer = blank(kind), tokenizer_of[kind]
    made = converted.Converted(model, "float32")
    told, sure = converted.answer(made, tokenizer, PROMPTS, LIMIT, Predict(batch=3), ())
    assert told == family(kind).answer(model, tokenizer, PROMPTS, LIMIT, Predict(batch=3), ())[0]
    assert sure == [None] * ROWS


def test_what_is_converted_leaves_no_folder_and_no_trace_in_the_model(blank):
    model = blank("causal")
    before = {name: one.clone() for name, one in model.state_dict().items()}
    made = converted.Converted(model, "int8")
    folder = made.folder.name
    del made
    assert not Path(folder).exists()
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


def test_an_architecture_that_nobody_compared_is_refused(blank):
    model = blank("causal")
    model.config.model_type = "falcon"
    with pytest.raises(Refusal) as refused:
        converted.Converted(model, "float32")
    assert refused.value.found == "falcon" and refused.value.where.endswith("predict.engine")
