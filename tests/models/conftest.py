"""Tokenizers and blank models of width 32, learnt from a few lines of literal text."""

import pytest
import torch

LINES = [
    f"{a} {b}, {c}."
    for a in ("Пицца", "Суп", "Официант", "Кофе", "Десерт")
    for b in ("был холодный", "всем понравился", "ждали целый час")
    for c in ("придём ещё", "больше не придём", "рекомендую друзьям")
]
SYMBOLS = ("rating", "keywords", "|")


@pytest.fixture
def threads():
    """So many threads, until the test has ended."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def one_thread(threads):
    """As the stages run: several threads that wait for each other on a busy machine take many times as long."""
    threads(1)


@pytest.fixture(scope="session")
def lines():
    return LINES


@pytest.fixture(scope="session")
def tokenizer_of():
    """family → its tokenizer, built once."""
    from stages.models.tokenizer import unigram

    return {family: unigram(family, LINES, 160, SYMBOLS) for family in ("seq2seq", "causal", "encoder")}


@pytest.fixture
def blank(tokenizer_of):
    """family → a new untrained model: two layers, the same weights each time."""
    from stages.models import family as family_of
    from stages.params import Base

    def build(family: str):
        base = Base(corpus="x", family=family, vocabulary=160, width=32, layers=2, heads=4, max_tokens=64,
                    epochs=1, batch=8, lr=1e-3)  # fmt: skip
        torch.manual_seed(5)
        return family_of(family).blank(base, tokenizer_of[family])

    return build


@pytest.fixture
def classifier(blank, tmp_path):
    """A new BERT with a head over three labels, opened from a folder as train opens it."""
    from stages.models import encoder

    def build():
        blank("encoder").save_pretrained(tmp_path / "bert")
        torch.manual_seed(6)
        return encoder.load(tmp_path / "bert", ("negative", "neutral", "positive")).eval()

    return build
