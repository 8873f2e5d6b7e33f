"""Answer the test rows with the trained model, and with its untuned base.

Reads   the recipe's test dataset; its base; its model or adapter
Writes  the answers table: both answers beside the target
Params  seed, numerics, recipes.<name>.task, .model, .predict, sources.<source>.enrich.language
"""

from pathlib import Path
from types import ModuleType

import datasets
import polars as pl
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages import choosing, params, tasks
from stages.lemmas import said_in
from stages.models import adapters, family
from stages.models import tokenizer as tokenizers
from stages.numerics import device, settle
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, write


def main(name: str, tokens: str, base: str, folder: str, answers: str) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    task, kind = tasks.load(recipe.task), family(recipe.model.family)
    rows = datasets.load_from_disk(str(Path(tokens) / "test"))
    tokenizer = tokenizers.load(base)
    language = settings.sources[recipe.rows.source].enrich.language
    if recipe.predict.candidates > 1 and not task.rivals:
        raise Refusal(
            "a task with a rule to choose among candidates", f"{task.name} has none",
            f"params.yaml: recipes.{name}.predict.candidates", "set it to 1",
        )  # fmt: skip

    def open_model(path: Path) -> PreTrainedModel:
        return kind.load(path, task.labels)

    def answer(model: PreTrainedModel) -> tuple[list[str], list[float | None]]:
        settle(settings.numerics, settings.seed)  # both answer with the same draws
        ids = list(rows["input_ids"]) * recipe.predict.candidates
        model = model.to(device())
        told = kind.answer(model, tokenizer, ids, recipe.model.target_tokens, recipe.predict, task.labels)
        if recipe.predict.candidates == 1:
            return told
        chosen = kept(task, kind, model, tokenizer, rows.to_list(), told[0], language, recipe)
        return chosen, [None] * len(chosen)

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


def kept(
    task: tasks.Task, kind: ModuleType, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[dict],
    texts: list[str], language: str, recipe: params.Recipe,
) -> list[str]:  # fmt: skip
    """The candidate to keep of each row. texts: all rows' first candidates, then all their second ones, and so on."""

    def after(prompts: list[dict], written: list[str]) -> list[tuple[float, int]]:
        ids, _ = tokenizers.encode(tokenizer, [task.prompt(row) for row in prompts], recipe.model.prompt_tokens)
        return kind.likelihood(model, tokenizer, ids, written, recipe.predict.batch)

    count = len(rows)
    shares = [choosing.said(rows[at % count]["keywords"], found) for at, found in enumerate(said_in(texts, language))]
    own = after(rows * recipe.predict.candidates, texts)
    mean = [total / tokens for total, tokens in own]
    chosen, asked, written = [], [], []
    for at, row in enumerate(rows):
        places = list(range(at, len(texts), count))
        some = [places[one] for one in choosing.shortlist([shares[p] for p in places], [mean[p] for p in places])]
        rivals = task.rivals(row, rows[(at + 1) % count])
        chosen.append((some, len(rivals)))
        asked += rivals * len(some)
        written += [texts[place] for place in some for _ in rivals]
    against = iter(total for total, _ in after(asked, written))
    best = []
    for some, rivals in chosen:
        others = [[next(against) for _ in range(rivals)] for _ in some]
        place = choosing.best([shares[p] for p in some], [mean[p] for p in some], [own[p][0] for p in some], others)
        best.append(texts[some[place]])
    return best


if __name__ == "__main__":
    run(main)
