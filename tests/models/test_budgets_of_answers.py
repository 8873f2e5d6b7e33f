"""What every family's answers have in common: rows by a budget of tokens are answered as rows by number are."""

from functools import wraps

import pytest

from stages.models import causal, converted, encoder, seq2seq, tokenizer
from stages.params import Predict

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"seq2seq": seq2seq, "causal": causal, "encoder": encoder}
LABELS = ("negative", "neutral", "positive")
PROMPTS = [[*range(10, 10 + length), 1] for length in (3, 30, 4, 9, 28, 5, 3)]
BUDGET = 40


@pytest.fixture
def model_of(blank, classifier):
    return lambda family: classifier() if family == "encoder" else blank(family).eval()


@pytest.mark.parametrize("asked", ["answer", "chances"])
@pytest.mark.parametrize("family", KINDS)
def test_a_budget_of_tokens_bounds_what_is_read_and_changes_no_answer(
    family, asked, model_of, tokenizer_of, monkeypatch
):
    model, seen = model_of(family), []
    first = model.get_encoder() if family == "seq2seq" else model
    whole = first.forward

    @wraps(whole)  # `generate` looks at what it takes
    def spied(*args, **given):
        seen.append(given["input_ids"].shape)
        return whole(*args, **given)

    monkeypatch.setattr(first, "forward", spied)

    def ask(how: Predict) -> tuple:
        words = (model, tokenizer_of[family], PROMPTS)
        if asked == "answer":
            return KINDS[family].answer(*words, 6, how, LABELS)
        return KINDS[family].chances(*words, how, LABELS)

    texts, sure = ask(Predict(batch=3))
    seen.clear()
    again, known = ask(Predict(batch=3, tokens=BUDGET))
    assert again == texts and all(one == pytest.approx(other, abs=1e-5) for one, other in zip(known, sure, strict=True))
    read = [shape for shape in seen if shape[1] > 1]  # with a cache a token is read by itself
    per_row = len(LABELS) if (family, asked) == ("causal", "chances") else 1
    framed = 0 if family != "causal" else 8  # a separator, and a label behind it
    assert len(read) == 4 and all(
        rows == per_row or rows // per_row * (length - framed) <= BUDGET for rows, length in read
    )


def test_ctranslate2_takes_the_budget_for_its_own(blank, tokenizer_of, monkeypatch):
    made, asked = converted.Converted(blank("seq2seq").eval(), "float32"), []
    (opened,) = made.writers(1)
    spied = type("Spied", (), {
        "translate_batch": lambda self, rows, **words: (asked.append(words), opened.translate_batch(rows, **words))[1]
    })()  # fmt: skip
    monkeypatch.setattr(made, "writers", lambda *how: [spied])
    by_rows = converted.write(made, tokenizer_of["seq2seq"], PROMPTS, 6, Predict(batch=3))
    by_tokens = converted.write(made, tokenizer_of["seq2seq"], PROMPTS, 6, Predict(batch=3, tokens=BUDGET))
    assert by_rows == by_tokens
    told = [(one["max_batch_size"], one["batch_type"]) for one in asked]
    assert told == [(3, "examples"), (BUDGET, "tokens")]


def test_rows_of_two_lengths_are_batched_by_the_sum_of_the_longest():
    """A decoder's text and its prompt: each is padded to its own longest."""
    lengths = [(5, 1), (4, 9), (4, 2), (1, 1)]
    assert list(tokenizer.batches(lengths, 9, 28)) == [[0, 1], [2, 3]]
    assert list(tokenizer.batches(lengths, 9, 27)) == [[0], [1, 2], [3]]
    assert list(tokenizer.batches(lengths, 9)) == [[0, 1, 2, 3]] and list(tokenizer.batches([], 9, 3)) == []
