"""A text as the mean of a frozen encoder's last hidden states."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForTextEncoding

from stages.models import tokenizer as tokenizers
from stages.numerics import device

MOST_TOKENS = 128
BATCH = 64


@torch.inference_mode()
def features(folder: str | Path, texts: list[str]) -> np.ndarray:
    """(texts, width) float32, each row of unit length; the encoder of a seq2seq serves as well as a BERT."""
    tokenizer = tokenizers.load(folder)
    model = AutoModelForTextEncoding.from_pretrained(
        str(folder), use_safetensors=True, local_files_only=True, trust_remote_code=False
    ).to(device())  # fmt: skip
    model.eval()
    most = min(MOST_TOKENS, getattr(model.config, "max_position_embeddings", MOST_TOKENS))
    ids, _ = tokenizers.encode(tokenizer, texts, most)
    rows = np.zeros((len(ids), model.config.hidden_size), np.float32)
    for chosen in tokenizers.batches([len(one) for one in ids], BATCH):
        batch = tokenizer.pad({"input_ids": [ids[i] for i in chosen]}, return_tensors="pt").to(model.device)
        hidden = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        rows[chosen] = torch.nn.functional.normalize(mean, dim=-1).float().cpu().numpy()
    return rows
