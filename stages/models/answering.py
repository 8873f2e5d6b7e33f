"""A generator's answers to rows, in the way that predict gives them: drawn, held to a form, or sentence by sentence."""

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages.models import composing, family, structured
from stages.models import tokenizer as tokenizers
from stages.openers import openers
from stages.params import Recipe

FORMS = 3  # of a keyword, at the head of a sentence


def heads(recipe: Recipe, learnt: list[str], language: str, rows: list[dict]) -> dict[str, list[str]]:
    """keyword → what a sentence may begin with so that it says it; nothing where the recipe forces none.

    learnt: the targets that the model was trained on.
    """
    if not recipe.predict.forced:
        return {}
    return openers(learnt, language, {word for row in rows for word in row["keywords"]}, FORMS)


def write(
    recipe: Recipe, task, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[dict], language: str,
    heads: dict[str, list[str]],
) -> list[str]:  # fmt: skip
    """A text for each row, a task's columns, from the model that is given. task: a stages.tasks.Task without labels."""
    limit, how = recipe.model.target_tokens, recipe.predict
    if how.candidates > 1:
        return composing.compose(task.prompt, task.rivals, model, tokenizer, rows, language, recipe, heads)
    prompts = [task.prompt(row) for row in rows]
    ids, _ = tokenizers.encode(tokenizer, prompts, recipe.model.prompt_tokens, recipe.model.cut)
    forms = structured.forms(tokenizer, rows, limit, how.constrain) if task.group else None
    held = {"forms": forms} if forms else {}
    texts, _ = family(recipe.model.family).answer(model, tokenizer, ids, limit, how, (), **held)
    return structured.held(texts, rows, forms) if task.group else texts
