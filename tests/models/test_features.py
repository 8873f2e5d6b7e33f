"""Features of a text: a mean over its own tokens, whatever stands beside it in a batch."""

import numpy as np
import pytest
import torch

from stages.models import features as module
from stages.models import tokenizer as tokenizers
from stages.models.features import features

TEXTS = ["Суп", "Пицца был холодный, больше не придём.", "", "Кофе всем понравился."]


@pytest.fixture(params=["seq2seq", "encoder"])
def base(request, blank, tokenizer_of, tmp_path):
    blank(request.param).save_pretrained(tmp_path)
    tokenizers.save(tokenizer_of[request.param], tmp_path)
    return tmp_path


def test_rows_have_unit_length_and_stand_in_order(base, monkeypatch):
    together = features(base, TEXTS)
    assert (together.shape, together.dtype) == ((4, 32), np.float32)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    monkeypatch.setattr(module, "BATCH", 1)
    assert np.allclose(features(base, TEXTS), together, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-3)


@torch.no_grad()
def test_a_row_is_the_mean_of_the_last_hidden_states(blank, tokenizer_of, tmp_path):
    model = blank("encoder")
    model.save_pretrained(tmp_path)
    tokenizers.save(tokenizer_of["encoder"], tmp_path)
    ids = torch.tensor([tokenizer_of["encoder"](TEXTS[1])["input_ids"]])
    mean = model.eval().bert(ids).last_hidden_state[0].mean(0)
    assert np.allclose(features(tmp_path, TEXTS)[1], (mean / mean.norm()).numpy(), atol=1e-5)


def test_a_text_longer_than_the_encoder_reads_is_cut(base):
    """The blank BERT has 64 positions."""
    assert np.isfinite(features(base, ["Суп " * 300])).all()
