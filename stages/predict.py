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

MOST_SENTENCES, SENTENCE = 10, 40  # of a text that is written by the sentence; tokens of a sentence at most


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
        model, ids = model.to(device()), list(rows["input_ids"])
        if recipe.predict.candidates > 1:
            return compose(task, kind, model, tokenizer, rows.to_list(), language, recipe), [None] * len(rows)
        return kind.answer(model, tokenizer, ids, recipe.model.target_tokens, recipe.predict, task.labels)

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


def compose(
    task: tasks.Task, kind: ModuleType, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[dict],
    language: str, recipe: params.Recipe,
) -> list[str]:  # fmt: skip
    """A text for each row, written sentence by sentence: of several drawn each time, the best goes on."""
    many, limit, batch = recipe.predict.candidates, recipe.model.target_tokens, recipe.predict.batch

    def ids_of(asked: list[dict]) -> list[list[int]]:
        return tokenizers.encode(tokenizer, [task.prompt(row) for row in asked], recipe.model.prompt_tokens)[0]

    rivals = [ids_of(task.rivals(row, rows[at - 1])) for at, row in enumerate(rows)]
    own, written, live = ids_of(rows), [[] for _ in rows], list(range(len(rows)))
    for _ in range(MOST_SENTENCES):
        at = [row for row in live for _ in range(many)]
        drawn = kind.extend(
            model, tokenizer, [own[row] for row in at], [written[row] for row in at], SENTENCE, recipe.predict
        )
        said = said_in(tokenizer.batch_decode(drawn, skip_special_tokens=True), language)
        nats = kind.likelihood(model, tokenizer, [own[row] for row in at], drawn, batch)
        shares = [choosing.said(rows[row]["keywords"], words) for row, words in zip(at, said, strict=True)]
        worth = choosing.promise(shares, [total / max(1, len(one)) for total, one in zip(nats, drawn, strict=True)])
        short = [[i + one for one in choosing.shortlist(worth[i : i + many])] for i in range(0, len(at), many)]
        against = [(rival, drawn[i]) for some in short for i in some for rival in rivals[at[i]]]
        found = iter(
            kind.likelihood(model, tokenizer, [one for one, _ in against], [text for _, text in against], batch)
        )
        for some in short:
            others = [[next(found) for _ in rivals[at[i]]] for i in some]
            kept = some[choosing.best(worth[some], [nats[i] for i in some], others)]
            written[at[kept]] = drawn[kept]
        live = [row for row in live if tokenizer.eos_token_id not in written[row][-1:] and len(written[row]) < limit]
        if not live:
            break
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]


if __name__ == "__main__":
    run(main)
