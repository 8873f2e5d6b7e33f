"""Answer the test rows with the trained model, and with its untuned base.

Reads   the recipe's test dataset; its base; its model or adapter
Writes  the answers table: both answers beside the target
Params  seed, numerics, recipes.<name>.task, .model, .predict
"""

from pathlib import Path

import datasets
import polars as pl
from transformers import PreTrainedModel

from stages import params, tasks
from stages.models import adapters, family
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
        return kind.load(path, task.outputs(recipe.model.head))

    def answer(model: PreTrainedModel) -> tuple[list[str], list[float | None]]:
        settle(settings.numerics, settings.seed)  # both answer with the same draws
        ids = list(rows["input_ids"])
        return kind.answer(model.to(device()), tokenizer, ids, recipe.model.target_tokens, recipe.predict, task.labels)

    settle(settings.numerics, settings.seed)
    before, sure_before = answer(open_model(Path(base)))
    after, sure = answer(adapters.load(Path(folder), Path(base), open_model))
    table = pl.DataFrame(
        {
            **{column: list(rows[column]) for column in ("id", "rating", "prompt", "target")},
            "answer": after,
            "base_answer": before,
            "confidence": sure,
            "base_confidence": sure_before,
        },
        schema=ANSWERS,
    )
    write(answers, table, ANSWERS)
    print(f"predict {name}: {table.height} answers")


if __name__ == "__main__":
    run(main)
