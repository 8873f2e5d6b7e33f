"""Texts for rows in the way that a recipe writes them: drawn, held to a form, or sentence by sentence."""

from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages.models import composing, converted, family, structured
from stages.params import Recipe

FORMS = 3  # of a keyword, at the head of a sentence


class Writer(NamedTuple):
    """by: the module whose `answer` writes. model: what that takes for its model. whole: it in transformers."""

    by: ModuleType
    model: PreTrainedModel | converted.Converted
    whole: PreTrainedModel


def writer(recipe: Recipe, model: PreTrainedModel) -> Writer:
    """Who writes for the recipe by this model: its family, or CTranslate2, for which the model is converted here."""
    if recipe.predict.engine == "ctranslate2":
        return Writer(converted, converted.Converted(model, recipe.predict.compute_type), model)
    return Writer(family(recipe.model.family), model, model)


def write(
    recipe: Recipe, task, writer: Writer, tokenizer: PreTrainedTokenizerBase, rows: list[dict],
    ids: list[list[int]], language: str, heads: dict[str, list[str]], learnt: Sequence[dict] = (),
    turns: list[int] | None = None,
) -> list[str]:  # fmt: skip
    """A text for each row, a task's columns, whose prompts are `ids`. task: a stages.tasks.Task.

    heads: keyword → what a sentence may begin with so that it says it; empty where none is known or forced. learnt,
    turns: see composing.compose.
    """
    limit, how = recipe.model.target_tokens, recipe.predict
    if how.candidates > 1:
        return composing.compose(
            task.prompt, task.rivals, writer.whole, tokenizer, rows, language, recipe, heads, learnt, turns
        )
    forms = structured.forms(tokenizer, rows, limit, how.constrain) if task.group else None
    texts, _ = writer.by.answer(writer.model, tokenizer, ids, limit, how, task.labels, forms, turns)
    return structured.held(texts, rows, forms) if task.group else texts
