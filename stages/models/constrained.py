"""Decoding under constraint: an automaton over token ids that can write nothing but a well-formed summary.

    food: 8 | The rolls were fresh. | service: 3 | The waiter was rude.
    ^^^^^ ^ ^                       ^ forced, a choice of eleven, forced, free or a quotation, a bar or the end

Every category comes once, in the order given, with a score of 0 to 10 and a text that is not empty. The text is free up
to a limit of tokens, or, where quotations are given, one of them word for word. What may follow is asked anew for each
token, so that nothing has to be repaired afterwards (finite-state guided generation: Willard and Louf 2023,
arXiv:2307.09702; a trie of allowed texts: De Cao et al. 2021, arXiv:2010.00904).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import LogitsProcessor, PreTrainedTokenizerBase

from stages.refusal import Refusal

BAR = "|"
SCORES = tuple(str(score) for score in range(11))
LEAST = 4  # tokens of a text, below which nothing can be said


@dataclass
class Vocabulary:
    """What the automaton must know of a tokenizer, looked up once. free, wordy: one truth per id, (vocabulary,)."""

    tokenizer: PreTrainedTokenizerBase
    free: np.ndarray = field(init=False)  # may stand inside a free text
    wordy: np.ndarray = field(init=False)  # holds a letter or a digit
    bar: list[int] = field(init=False)

    def __post_init__(self) -> None:
        size, special = len(self.tokenizer), set(self.tokenizer.all_special_ids)
        pieces = [self.tokenizer.decode([one], skip_special_tokens=False) for one in range(size)]
        names = self.tokenizer.convert_ids_to_tokens(list(range(size)))
        barred = [BAR in piece or BAR in name or "\n" in piece for piece, name in zip(pieces, names, strict=True)]
        control = [one in special or name.startswith("<extra_id_") for one, name in enumerate(names)]
        self.free = ~(np.array(barred) | np.array(control))
        self.wordy = np.array([any(map(str.isalnum, piece)) for piece in pieces]) & self.free
        self.bar = self.ids(BAR)

    def ids(self, text: str) -> list[int]:
        """The ids of words that stand between spaces: the same alone as inside a longer text."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    @property
    def end(self) -> int:
        return self.tokenizer.eos_token_id


@dataclass(frozen=True)
class Form:
    """What one answer has to look like.

    text: most tokens of a category's text. quotes: per category, the texts that it may be (their
    first `text` tokens); None leaves it free.
    """

    vocabulary: Vocabulary
    categories: tuple[str, ...]
    text: int
    quotes: tuple[tuple[str, ...], ...] | None = None

    def walk(self) -> Iterator[np.ndarray]:
        """A generator: yields which ids may come next, (vocabulary,) bool, and is sent the one that came."""
        v, last = self.vocabulary, len(self.categories) - 1
        scores = [[*v.ids(score), *v.bar] for score in SCORES]
        for at, category in enumerate(self.categories):
            closing = [v.end] if at == last else v.bar
            yield from self._one_of([v.ids(f"{category}:")])
            yield from self._one_of(scores)
            if self.quotes is None:
                yield from self._free(closing)
            else:
                yield from self._one_of([[*v.ids(text)[: self.text], *closing] for text in self.quotes[at]])

    def _only(self, ids: Iterable[int]) -> np.ndarray:
        mask = np.zeros(len(self.vocabulary.free), dtype=bool)
        mask[list(ids)] = True
        return mask

    def _one_of(self, paths: list[list[int]]) -> Iterator[np.ndarray]:
        """One of some sequences, by their trie; closing ids are in each, so that none is the beginning of another."""
        node = trie(paths)
        while node:
            came = yield self._only(node)
            node = node[came]

    def _free(self, closing: list[int]) -> Iterator[np.ndarray]:
        """Any text with a letter or digit in it, at most `text` tokens, then `closing`."""
        v, said, worded = self.vocabulary, [], False
        while len(said) < self.text:
            mask = v.free.copy()
            if worded:  # `closing` may begin, or go on where its beginning was just said
                begun = (at for at in range(len(closing)) if said[len(said) - at :] == closing[:at])
                mask[[closing[at] for at in begun]] = True
            elif len(said) + 1 == self.text:
                mask &= v.wordy
            came = yield mask
            said.append(came)
            if worded and said[-len(closing) :] == closing:
                return
            worded = worded or bool(v.wordy[came])
        done = max(at for at in range(len(closing)) if said[len(said) - at :] == closing[:at])
        yield from self._one_of([closing[done:]])


class Constrained(LogitsProcessor):
    """Holds each row of a batch to its form: what may not come is ruled out. For one `generate`, without beams."""

    def __init__(self, forms: list[Form]):
        self.walks = [form.walk() for form in forms]
        self.ends = [form.vocabulary.end for form in forms]
        self.begun = False

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        for row, last in enumerate(input_ids[:, -1].tolist()):
            mask = self._step(row, last)
            if mask is None:
                allowed[row, self.ends[row]] = True
            else:
                allowed[row, : len(mask)] = torch.from_numpy(mask)
        self.begun = True
        return scores.masked_fill(~allowed.to(scores.device), -torch.inf)

    def _step(self, row: int, last: int) -> np.ndarray | None:
        """What may follow in this row; None once it is whole."""
        walk = self.walks[row]
        if walk is None:
            return None
        try:
            return walk.send(last) if self.begun else next(walk)
        except StopIteration:
            self.walks[row] = None
            return None


def trie(paths: list[list[int]]) -> dict:
    """Sequences of ids as nested dicts: [[1, 2], [1, 3]] → {1: {2: {}, 3: {}}}."""
    root: dict = {}
    for path in paths:
        node = root
        for one in path:
            node = node.setdefault(one, {})
    return root


def room(vocabulary: Vocabulary, categories: tuple[str, ...], limit: int) -> int:
    """Most tokens of one category's text, so that the longest answer has at most `limit`. Refuses too small a limit."""
    scores = max(len(vocabulary.ids(score)) for score in SCORES)
    fixed = sum(len(vocabulary.ids(f"{one}:")) + scores + 2 * len(vocabulary.bar) for one in categories)
    left = (limit - fixed) // len(categories)
    if left < LEAST:
        raise Refusal(
            f"at least {fixed + LEAST * len(categories)} tokens for {len(categories)} categories with score and text",
            str(limit), "params.yaml: the recipe's model.target_tokens", "raise it",
        )  # fmt: skip
    return left
