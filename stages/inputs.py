"""Rows of a task as the ids that a model reads, cut at the recipe's limits: the same to learn from and to answer."""

import sys

from transformers import PreTrainedTokenizerBase

from stages import params
from stages.models import fields as by_field
from stages.models import tokenizer as tokenizers
from stages.tasks import Task, told


def encode(
    rows: list[dict], task: Task, tokenizer: PreTrainedTokenizerBase, model: params.Model
) -> tuple[list[list[int]], list[int], list[set[str]]]:
    """Ids of each row's prompt, at most model.prompt_tokens.

    Of a task with fields also how many tokens each prompt has before any cut, and which of its fields were cut; of one
    without them nothing.
    """
    if not task.fields:
        prompts = [task.prompt(row) for row in rows]
        return tokenizers.encode(tokenizer, prompts, model.prompt_tokens, model.cut)[0], [], []
    least = {name: next(one.least for one in task.fields if one.name == name) for name in task.cut}
    texts = [{one.name: row[one.column] or "" for one in task.fields} for row in rows]
    return by_field.encode(tokenizer, texts, _segments(task, model), least, model.prompt_tokens)


def _segments(task: Task, model: params.Model) -> by_field.Join:
    """The fields, cut or not, as what a tokenizer takes: one prompt, or as a pair the last field by itself."""

    def join(texts: dict[str, str]) -> tuple[str, ...]:
        row = {one.column: texts[one.name] for one in task.fields}
        parts = (task.fields[:-1], task.fields[-1:]) if model.pair else (task.fields,)
        return tuple(told(part, row) for part in parts)

    return join


def uncut(tokenizer: PreTrainedTokenizerBase, texts: list[str], ids: list[list[int]], limit: int) -> list[int]:
    """How many tokens each text has before any cut; only those that fill the limit are counted anew."""
    full = [at for at, one in enumerate(ids) if len(one) == limit]
    whole = tokenizers.encode(tokenizer, [texts[at] for at in full], sys.maxsize)[0] if full else []
    known = {at: len(one) for at, one in zip(full, whole, strict=True)}
    return [known.get(at, len(one)) for at, one in enumerate(ids)]
