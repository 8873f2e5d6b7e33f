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

    limit = recipe.model.target_tokens

    def answer(model: PreTrainedModel, ids: list, forms: list | None = None) -> tuple[list[str], list[float | None]]:
        settle(settings.numerics, settings.seed)  # all answer with the same draws
        held = {"forms": forms} if forms else {}
        return kind.answer(model.to(device()), tokenizer, ids, limit, recipe.predict, task.labels, **held)

    ids = list(rows["input_ids"])
    gathered = rows.select_columns(list(task.columns)).to_list() if task.group else []
    forms = structured.forms(tokenizer, gathered, limit, recipe.predict.constrain) if task.group else None
    settle(settings.numerics, settings.seed)
    before, sure_before = answer(open_model(Path(base)), ids, forms)
    model = adapters.load(Path(folder), Path(base), open_model)
    after, sure = answer(model, ids, forms)
    others = [None] * len(ids)
    if task.group:

        def encode(texts: list[str]) -> list[list[int]]:
            return tokenizers.encode(tokenizer, texts, recipe.model.prompt_tokens)[0]

        def tell(parts: list[dict]) -> list[str]:
            held = structured.forms(tokenizer, parts, limit, recipe.predict.constrain)
            return answer(model, encode([task.prompt(one) for one in parts]), held)[0]

        loose = answer(model, ids)[0]
        joined = structured.map_reduce(
            gathered, task.prompt, lambda text: len(encode([text])[0]), recipe.predict.chunk, tell
        )
        others = [
            [{"name": "unconstrained", "answer": one}, {"name": "map_reduce", "answer": other}]
            for one, other in zip(loose, joined, strict=True)
        ]
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
