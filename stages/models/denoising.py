"""What a base learns from plain text: to restore what was hidden from it (seq2seq), masked tokens, or the next one."""

import numpy as np
import torch
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

HIDDEN, MEAN_SPAN = 0.15, 3.0  # share of tokens that span corruption hides, and the mean length of a span: T5's own
KEPT = 0.3  # share of tokens that rebuilding leaves
REBUILT = 0.5  # share of rows that are rebuilt, the rest is span-corrupted


class Denoising:
    """A collator that corrupts rows anew each time they are seen; rows that have labels already are only padded."""

    def __init__(self, pad: DataCollatorForSeq2Seq, seed: int):
        self.pad = pad
        self.random = np.random.default_rng(seed)
        self.before = None

    def __call__(self, rows: list[dict]) -> dict:
        if "labels" in rows[0]:
            return self.pad(rows)
        self.before = self.drawn()
        return self.draw(rows)

    def state(self, ahead: int) -> object:
        """Where its random numbers stand, as JSON knows it; ahead: 1 for where they stood a batch ago."""
        return self.before if ahead else self.drawn()

    def drawn(self) -> object:
        return self.random.bit_generator.state

    def restore(self, state: object) -> None:
        """Draw from there on what was drawn when `state` was asked for."""
        self.random.bit_generator.state = state

    def draw(self, rows: list[dict]) -> dict:
        return self.pad([self.corrupt(row["input_ids"]) for row in rows])

    def corrupt(self, ids: list[int]) -> dict:
        """One row as {input_ids, labels}, lists of ids."""
        raise NotImplementedError


class Seq2SeqDenoising(Denoising):
    """Half the rows by span corruption (Raffel et al. 2020, section 3.1.4), half by rebuilding.

    Spans     [11, 12, 13, 14, 1] → input_ids [11, <extra_id_0>, 14, 1], labels [<extra_id_0>, 12, 13, 1]
    Rebuilt   [11, 12, 13, 14, 1] → input_ids [14, 12, 1], labels [11, 12, 13, 14, 1]

    Span corruption never asks for a token that the input holds; a review from keywords asks for just that. So the
    other half gives some tokens in any order and asks for the whole text (token deletion and sentence permutation of
    BART, Lewis et al. 2020, arXiv:1910.13461; "deshuffling" of Raffel et al.). LOG.md has what it gained.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, seed: int):
        super().__init__(DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=-100), seed)
        self.sentinels = tokenizer.convert_tokens_to_ids([f"<extra_id_{i}>" for i in range(32)])
        self.end = tokenizer.eos_token_id

    def corrupt(self, ids: list[int]) -> dict:
        body = ids[:-1] if ids[-1] == self.end else ids
        return self.rebuilt(body) if self.random.random() < REBUILT else self.spans(body)

    def rebuilt(self, body: list[int]) -> dict:
        """Some of the tokens, shuffled; the whole text is to be written."""
        kept = self.random.permutation(len(body))[: max(1, round(len(body) * KEPT))]
        return {"input_ids": [*(body[i] for i in kept), self.end], "labels": [*body, self.end]}

    def spans(self, body: list[int]) -> dict:
        """Random spans replaced by sentinels; the spans are to be written."""
        hidden = min(max(round(len(body) * HIDDEN), 1), len(body))
        spans = min(max(round(hidden / MEAN_SPAN), 1), len(self.sentinels), len(body) - hidden + 1, hidden)
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


class MaskedTokens(Denoising):
    """Masked language modelling as BERT has it: 15% of the tokens are to be told (Devlin et al. 2019)."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, seed: int):
        super().__init__(DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100), seed)
        self.mask = DataCollatorForLanguageModeling(tokenizer, mlm=True, mlm_probability=0.15, seed=seed)

    def drawn(self) -> object:
        return self.mask.generator.get_state().tolist() if self.mask.generator is not None else None

    def restore(self, state: object) -> None:
        if state is not None:
            self.mask.create_rng()
            self.mask.generator.set_state(torch.tensor(state, dtype=torch.uint8))

    def draw(self, rows: list[dict]) -> dict:
        return self.mask([{"input_ids": row["input_ids"]} for row in rows])  # all at once: four times as quick

    def corrupt(self, ids: list[int]) -> dict:
        masked = self.mask([{"input_ids": ids}])
        return {name: masked[name][0].tolist() for name in ("input_ids", "labels")}


class NextToken(Denoising):
    """Plain language modelling: each token is to be told from those before it, the first from nothing at all."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, seed: int):
        super().__init__(DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100), seed)

    def corrupt(self, ids: list[int]) -> dict:
        return {"input_ids": list(ids), "labels": [-100, *ids[1:]]}


def collator(family: str, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, seed: int) -> Denoising:
    """The collator by which a base of this family learns from plain text."""
    if family == "causal":
        return NextToken(tokenizer, seed)
    return Seq2SeqDenoising(tokenizer, model, seed) if family == "seq2seq" else MaskedTokens(tokenizer, seed)
