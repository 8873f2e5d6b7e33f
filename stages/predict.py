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
from stages.openers import openers
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, write

MOST_SENTENCES, SENTENCE = 7, 40  # of a text that is written by the sentence; tokens of a sentence at most
FORMS = 3  # of a keyword, at the head of a sentence


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
    heads = {}
    if recipe.predict.forced:
        learnt = datasets.load_from_disk(str(Path(tokens) / "train"))["target"]
        asked = {word for words in rows["keywords"] for word in words}
        heads = openers(list(learnt), language, asked, FORMS)

    def open_model(path: Path) -> PreTrainedModel:
        return kind.load(path, task.labels)

    def answer(model: PreTrainedModel) -> tuple[list[str], list[float | None]]:
        settle(settings.numerics, settings.seed)  # both answer with the same draws
        model, ids = model.to(device()), list(rows["input_ids"])
        if recipe.predict.candidates > 1:
            return compose(task, kind, model, tokenizer, rows.to_list(), language, recipe, heads), [None] * len(rows)
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
    language: str, recipe: params.Recipe, heads: dict[str, list[str]],
) -> list[str]:  # fmt: skip
    """A text for each row, written sentence by sentence: of several drawn each time, the best goes on.

    heads: keyword → forms that a sentence may begin with (stages.openers): all drawn sentences but some free ones begin
    with a form of a keyword that is still to be said.
    """
    limit, batch = recipe.model.target_tokens, recipe.predict.batch

    def ids_of(asked: list[dict]) -> list[list[int]]:
        return tokenizers.encode(tokenizer, [task.prompt(row) for row in asked], recipe.model.prompt_tokens)[0]

    def likely(pairs: list[tuple[list[int], list[int]]]) -> list[float]:
        return kind.likelihood(model, tokenizer, [prompt for prompt, _ in pairs], [text for _, text in pairs], batch)

    rivals = [ids_of(task.rivals(row, rows[at - 1])) for at, row in enumerate(rows)]
    own, written, live = ids_of(rows), [[] for _ in rows], list(range(len(rows)))
    said: list[set[str]] = [set() for _ in rows]
    spelt = {form: tokenizer(form, add_special_tokens=False)["input_ids"] for forms in heads.values() for form in forms}
    for _ in range(MOST_SENTENCES):
        forms = {
            row: choosing.starts(rows[row]["keywords"], said[row], heads, recipe.predict.candidates) for row in live
        }
        starts = [(row, written[row] + spelt.get(form, [])) for row in live for form in forms[row]]
        drawn = kind.extend(model, tokenizer, [own[row] for row, _ in starts], [text for _, text in starts], SENTENCE,
                            recipe.predict)  # fmt: skip
        words = said_in(tokenizer.batch_decode(drawn, skip_special_tokens=True), language)
        nats = likely([(own[row], text) for (row, _), text in zip(starts, drawn, strict=True)])
        shares = [choosing.said(rows[row]["keywords"], found) for (row, _), found in zip(starts, words, strict=True)]
        worth = choosing.promise(shares, [total / max(1, len(text)) for total, text in zip(nats, drawn, strict=True)])
        places = (
            pl.DataFrame({"row": [row for row, _ in starts]}).with_row_index("at").group_by("row", maintain_order=True)
        )
        short = [[at[one] for one in choosing.shortlist(worth[at])] for at in places.agg("at")["at"].to_list()]
        against = iter(likely([(rival, drawn[i]) for some in short for i in some for rival in rivals[starts[i][0]]]))
        for some in short:
            others = [[next(against) for _ in rivals[starts[i][0]]] for i in some]
            kept = some[choosing.best(worth[some], [nats[i] for i in some], others)]
            written[starts[kept][0]], said[starts[kept][0]] = drawn[kept], words[kept]
        live = [row for row in live if tokenizer.eos_token_id not in written[row][-1:] and len(written[row]) < limit]
        if not live:
            break
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]


if __name__ == "__main__":
    run(main)
