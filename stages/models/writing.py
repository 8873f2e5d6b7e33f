"""Texts for rows in the way that a recipe writes them: drawn, held to a form, or sentence by sentence."""

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages.models import composing, family, structured
from stages.params import Recipe

FORMS = 3  # of a keyword, at the head of a sentence


def write(
    recipe: Recipe, task, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[dict],
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
            task.prompt, task.rivals, model, tokenizer, rows, language, recipe, heads, learnt, turns
        )
    forms = structured.forms(tokenizer, rows, limit, how.constrain) if task.group else None
    texts, _ = family(recipe.model.family).answer(model, tokenizer, ids, limit, how, task.labels, forms, turns)
    return structured.held(texts, rows, forms) if task.group else texts
