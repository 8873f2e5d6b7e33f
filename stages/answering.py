"""A trained model that can be asked: rows in, answers out, by the prompt function and limits it was trained with."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import datasets
from transformers import PreTrainedModel

from stages import asked, inputs, openers, tasks
from stages.models import adapters, family, writing
from stages.models import tokenizer as tokenizers
from stages.numerics import device, settle
from stages.origin import Origin

OUT_OF_FORM = "out of form"  # what stages.models.structured.held says of an answer


class Answer(NamedTuple):
    """text: the label, the number or the text; None where the row could not be asked. confidence: of a label, its
    probability. chances: label → probability. error: what was wrong with the row, or what of it was left out.
    """

    text: str | None
    confidence: float | None = None
    chances: dict[str, float] | None = None
    error: str | None = None
    prompt: str | None = None


@dataclass
class Answerer:
    """A model, whoever opened it, with what its origin says of it."""

    origin: Origin
    model: PreTrainedModel

    def __post_init__(self) -> None:
        recipe = self.origin.recipe
        self.task, self.kind = tasks.load(recipe.task), family(recipe.model.family)
        self.tokenizer = tokenizers.load(self.origin.folder)
        self.writer = writing.writer(recipe, self.model)
        self.heads, self.learnt = None, ()
        if recipe.predict.candidates > 1 and self.origin.learnt:
            self.learnt = datasets.load_from_disk(str(self.origin.learnt))
        if recipe.predict.forced and self.learnt:
            self.heads = openers.heads(list(self.learnt["target"]), self.origin.language)

    def answer(self, rows: list[dict], seed: int | None = None) -> list[Answer]:
        """An answer to each row of a file, in order: what cannot be asked has an error in its place.

        Rows are answered together, `predict.batch` at a time, but no answer depends on the company its row is in, nor
        one that is drawn: the same request and the same seed give the same text (stages.models.draws), the one that
        predict gave to the first such row. What does depend are the last bits of a probability; and what CTranslate2
        draws, which follows from all the rows that are given together (stages.models.converted).
        """
        recipe, fitted, faults = self.origin.recipe, {}, {}
        for at, row in enumerate(rows):
            try:
                fitted[at] = asked.fit(row, self.task.name, recipe.rows, self.origin.language)
            except asked.Unfit as unfit:
                faults[at] = str(unfit)
        told = dict(zip(fitted, self._told(list(fitted.values()), seed), strict=True)) if fitted else {}
        return [told[at] if at in told else Answer(None, error=faults[at]) for at in range(len(rows))]

    def _told(self, rows: list[dict], seed: int | None) -> list[Answer]:
        recipe, task = self.origin.recipe, self.task
        how = recipe.predict
        ids, lengths, parts = inputs.encode(rows, task, self.tokenizer, recipe.model)
        prompts = [task.prompt(row) for row in rows]
        lengths = lengths or inputs.uncut(self.tokenizer, prompts, ids, recipe.model.prompt_tokens)
        settle(self.origin.numerics, self.origin.seed if seed is None else seed)
        chances: list[list[float]] = [[] for _ in rows]
        sure: list[float | None] = [None] * len(rows)
        texts: list[str] = []
        if task.labels:
            texts, chances = self.kind.chances(self.model, self.tokenizer, ids, how, task.labels)
        if self.kind.WRITES:  # what it writes may be none of the labels
            try:
                texts = self._written(rows, ids)
            except AssertionError as error:
                if OUT_OF_FORM not in str(error):
                    raise
                if len(rows) > 1:  # it does not say which
                    return [self._told([row], seed)[0] for row in rows]
                return [Answer(None, error=f"the answer is {OUT_OF_FORM}", prompt=prompts[0])]
        if task.labels:
            each = [dict(zip(task.labels, one, strict=True)) if one else {} for one in chances]
            sure = [one.get(text) for one, text in zip(each, texts, strict=True)]
        return [
            Answer(
                text, sure[at], dict(zip(task.labels, chances[at], strict=True)) if chances[at] else None,
                self._cut(lengths[at], parts[at] if parts else set(), rows[at]), prompts[at],
            )
            for at, text in enumerate(texts)
        ]  # fmt: skip

    def _written(self, rows: list[dict], ids: list[list[int]]) -> list[str]:
        recipe, language = self.origin.recipe, self.origin.language
        asked_for = {word for row in rows for word in row["keywords"]} if self.heads else set()
        heads = openers.choose(self.heads, asked_for, writing.FORMS)
        return writing.write(recipe, self.task, self.writer, self.tokenizer, rows, ids, language, heads, self.learnt)

    def _cut(self, length: int, fields: set[str], row: dict) -> str | None:
        """What of a row the model did not read."""
        model = self.origin.recipe.model
        if length <= model.prompt_tokens:
            return None
        what = ", ".join(sorted(fields)) or "prompt"
        return (
            f"cut: {length:,} tokens where the model reads {model.prompt_tokens:,}; left out: the {model.cut} of {what}"
        )


def open_model(origin: Origin) -> Answerer:
    """The model opened for itself: an adapter is merged into its base."""
    recipe = origin.recipe
    task, kind = tasks.load(recipe.task), family(recipe.model.family)
    settle(origin.numerics, origin.seed)

    def load(path: Path) -> PreTrainedModel:
        return kind.load(path, task.outputs(recipe.model.head))

    model = adapters.load(origin.folder, origin.base or origin.folder, load)
    return Answerer(origin, model.to(device()).eval())
