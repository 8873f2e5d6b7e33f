"""Answer the test rows with the trained model, and with its untuned base.

Reads   the recipe's test dataset; its base; its model or adapter
Writes  the answers table: both answers beside the target; of summaries also those made without the form's constraint
        and those made chunk by chunk
Params  seed, numerics, recipes.<name>.task, .model, .predict
"""

from pathlib import Path

import datasets
import polars as pl
from transformers import PreTrainedModel

from stages import params, tasks
from stages.models import adapters, family, structured
from stages.models import tokenizer as tokenizers
from stages.numerics import device, settle
from stages.refusal import run
from stages.schema import ANSWERS, write


def main(name: str, tokens: str, base: str, folder: str, answers: str) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    task, kind = tasks.load(recipe.task), family(recipe.model.family)
    rows = datasets.load_from_disk(str(Path(tokens) / "test"))
    tokenizer = tokenizers.load(base)

    def open_model(path: Path) -> PreTrainedModel:
        return kind.load(path, task.labels)

    ids, limit, how = list(rows["input_ids"]), recipe.model.target_tokens, recipe.predict
    gathered = rows.select_columns(list(task.columns)).to_list() if task.group else []
    forms = structured.forms(tokenizer, gathered, limit, how.constrain) if task.group else None

    def answer(model: PreTrainedModel, ids: list, forms: list | None) -> tuple[list[str], list[float | None]]:
        settle(settings.numerics, settings.seed)  # all answer with the same draws
        held = {"forms": forms} if forms else {}
        return kind.answer(model.to(device()), tokenizer, ids, limit, how, task.labels, **held)

    def encode(texts: list[str]) -> list[list[int]]:
        return tokenizers.encode(tokenizer, texts, recipe.model.prompt_tokens)[0]

    def tell(parts: list[dict]) -> list[str]:
        held = structured.forms(tokenizer, parts, limit, how.constrain)
        return structured.held(answer(model, encode([task.prompt(one) for one in parts]), held)[0], parts, held)

    settle(settings.numerics, settings.seed)
    before, sure_before = answer(open_model(Path(base)), ids, forms)
    model = adapters.load(Path(folder), Path(base), open_model)
    after, sure = answer(model, ids, forms)
    others = [None] * len(ids)
    if task.group:
        structured.held(before + after, gathered * 2, forms)
        ways = {
            "unconstrained": answer(model, ids, None)[0],
            "map_reduce": structured.map_reduce(
                gathered, task.prompt, lambda text: len(encode([text])[0]), how.chunk, tell
            ),
        }
        others = [
            [{"name": name, "answer": texts[at]} for name, texts in ways.items()] for at in range(len(ids))
        ]  # fmt: skip
    table = pl.DataFrame(
        {
            **{column: list(rows[column]) for column in ("id", "rating", "prompt", "target")},
            "answer": after,
            "base_answer": before,
            "confidence": sure,
            "base_confidence": sure_before,
            "others": others,
        },
        schema=ANSWERS,
    )
    write(answers, table, ANSWERS)
    print(f"predict {name}: {table.height} answers")


if __name__ == "__main__":
    run(main)
