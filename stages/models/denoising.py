"""What a base learns from plain text: to restore spans (seq2seq) or masked tokens (encoder)."""

import numpy as np
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

# (share of tokens hidden, mean span length): T5's own setting, and a harder one that hides long stretches, so that
# the decoder learns to write sentences and not only gaps. Half the rows each (R- and X-denoisers of UL2, Tay et al.
# 2022, arXiv:2205.05131).
DENOISERS = ((0.15, 3.0), (0.5, 12.0))


class SpanCorruption:
    """A collator that hides spans anew each time a row is seen (Raffel et al. 2020, section 3.1.4).

    Row {"input_ids": [11, 12, 13, 14, 1]} → input_ids [11, <extra_id_0>, 14, 1], labels [<extra_id_0>, 12, 13, 1].
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, seed: int):
        self.pad = DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=-100)
        self.sentinels = tokenizer.convert_tokens_to_ids([f"<extra_id_{i}>" for i in range(32)])
        self.end = tokenizer.eos_token_id
        self.random = np.random.default_rng(seed)

    def __call__(self, rows: list[dict]) -> dict:
        return self.pad([self.corrupt(row["input_ids"]) for row in rows])

    def corrupt(self, ids: list[int]) -> dict:
        """Replace random spans of one row by sentinels; the spans become its labels."""
        body = ids[:-1] if ids[-1] == self.end else ids
        density, mean = DENOISERS[self.random.integers(len(DENOISERS))]
        hidden = min(max(round(len(body) * density), 1), len(body))
        spans = min(max(round(hidden / mean), 1), len(self.sentinels), len(body) - hidden + 1, hidden)
        lengths = self._cut(hidden, spans)
        gaps = self._cut(len(body) - hidden + 2, spans + 1) - np.array([1] + [0] * (spans - 1) + [1])
        inputs, labels, at = [], [], 0
        for sentinel, gap, length in zip(self.sentinels, gaps, lengths, strict=False):
            inputs += [*body[at : at + gap], sentinel]
            labels += [sentinel, *body[at + gap : at + gap + length]]
            at += gap + length
        return {"input_ids": [*inputs, *body[at:], self.end], "labels": [*labels, self.end]}

    def _cut(self, total: int, parts: int) -> np.ndarray:
        """`total` as a random sum of `parts` numbers of at least 1."""
        marks = np.sort(self.random.choice(np.arange(1, total), parts - 1, replace=False)) if parts > 1 else []
        return np.diff([0, *marks, total])


def collator(family: str, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, seed: int):
    """The collator by which a base of this family learns from plain text."""
    if family == "seq2seq":
        return SpanCorruption(tokenizer, model, seed)
    return DataCollatorForLanguageModeling(tokenizer, mlm=True, mlm_probability=0.15)
