"""Answer the test rows with the trained model, and with its untuned base.

Reads   the recipe's test dataset; its base; its model or adapter
Writes  the answers table: both answers beside the target, and of summaries those made without the form's constraint and
        those made chunk by chunk; how quickly they came
Params  seed, numerics, recipes.<name>.task, .model, .predict, sources.<source>.enrich.language

A task with labels is answered twice by a family that writes: freely, and by the label that is likeliest to be written.

    python -m stages.predict MODEL FILE OUT     the rows of any file, by any trained model: see stages/answer.py
"""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import datasets
import numpy as np
import polars as pl
from transformers import PreTrainedModel

from stages import params, tasks
from stages.files import write_json
from stages.models import adapters, draws, family, structured, writing
from stages.models import tokenizer as tokenizers
from stages.numerics import device, device_name, peak_memory, settle
from stages.openers import openers
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, write

WORDS = 6  # of a node's command line; fewer ask for the other use, by name, so that no node depends on it
REQUESTS, WARM_UP = 50, 3  # rows asked one at a time for the latency, and rows before that
PATIENCE = 5.0  # seconds after which no further request is made: a long text takes as long as fifty labels


def main(name: str, tokens: str, base: str, folder: str, answers: str, speed: str) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    task, kind = tasks.load(recipe.task), family(recipe.model.family)
    rows = datasets.load_from_disk(str(Path(tokens) / "test"))
    prompts = list(rows["input_ids"])
    tokenizer = tokenizers.load(base)
    language = settings.sources[recipe.rows.source].enrich.language
    limit, how, learnt, heads = recipe.model.target_tokens, recipe.predict, (), {}
    if how.candidates > 1:
        if not task.rivals:
            raise Refusal(
                "a task with a rule to choose among candidates", f"{task.name} has none",
                f"params.yaml: recipes.{name}.predict.candidates", "set it to 1",
            )  # fmt: skip
        learnt = datasets.load_from_disk(str(Path(tokens) / "train"))
        if how.forced:
            asked = {word for words in rows["keywords"] for word in words}
            heads = openers(list(learnt["target"]), language, asked, writing.FORMS)

    def open_model(path: Path) -> PreTrainedModel:
        return kind.load(path, task.outputs(recipe.model.head))

    requests = [{column: of for column, of in row.items() if column in task.columns} for row in rows.to_list()]

    def write_to(writer: writing.Writer, some: list[dict], ids: list[list[int]]) -> list[str]:
        turns = draws.turns(ids)
        return writing.write(recipe, task, writer, tokenizer, some, ids, language, heads, learnt, turns)

    def alone(at: int) -> None:
        """One row answered by itself, as a request would be."""
        if kind.WRITES:
            write_to(writer, requests[at : at + 1], [prompts[at]])
        else:
            kind.answer(writer.model, tokenizer, [prompts[at]], limit, how, task.labels)

    def answer(writer: writing.Writer) -> dict:
        """The answers table's columns of one model, and the seconds they took."""
        start, chosen = time.monotonic(), {}
        if task.labels:
            likeliest, chances = kind.chances(writer.whole, tokenizer, prompts, how, task.labels)
            took = time.monotonic() - start
            if not kind.WRITES:  # what is likeliest is the answer
                sure = [max(each, default=None) for each in chances]  # a regressor gives a number and no chances
                chances = [each or None for each in chances]
                return {"answer": likeliest, "confidence": sure, "probabilities": chances, "seconds": took}
            chosen = {"likeliest": likeliest, "probabilities": chances, "seconds_likeliest": took}
        start = time.monotonic()
        texts = write_to(writer, requests, prompts)
        return {"answer": texts, "confidence": [None] * len(texts), "seconds": time.monotonic() - start} | chosen

    def other_ways(writer: writing.Writer) -> list[list[dict]]:
        """What the same model says of each gathered row without the form, and chunk by chunk."""

        def encode(texts: list[str]) -> list[list[int]]:
            return tokenizers.encode(tokenizer, texts, recipe.model.prompt_tokens, recipe.model.cut)[0]

        def tell(parts: list[dict]) -> list[str]:
            return write_to(writer, parts, encode([task.prompt(one) for one in parts]))

        def length(text: str) -> int:
            return len(encode([text])[0])

        turns = draws.turns(prompts)
        freely, _ = writer.by.answer(writer.model, tokenizer, prompts, limit, how, task.labels, turns=turns)
        ways = {
            "unconstrained": freely,
            "map_reduce": structured.map_reduce(requests, task.prompt, length, how.chunk, tell),
        }
        return [[{"name": name, "answer": texts[at]} for name, texts in ways.items()] for at in range(len(prompts))]

    settle(settings.numerics, settings.seed)
    before = answer(writing.writer(recipe, open_model(Path(base)).to(device())))
    writer = writing.writer(recipe, adapters.load(Path(folder), Path(base), open_model).to(device()))
    after = answer(writer)
    said = [column for column in ("answer", "confidence", "likeliest", "probabilities") if column in after]
    table = pl.DataFrame(
        {column: list(rows[column]) for column in ("id", "rating", "prompt", "target")}
        | {column: after[column] for column in said}
        | {f"base_{column}": before[column] for column in said}
        | ({"others": other_ways(writer)} if task.group else {}),
        schema_overrides={column: ANSWERS[column] for one in said for column in (one, f"base_{one}")}
        | ({"others": ANSWERS["others"]} if task.group else {}),
    )
    write(answers, table.with_columns(pl.lit(None).alias(one) for one in ANSWERS if one not in table.columns), ANSWERS)
    measured = {
        f"{whose}{key}": round(told[key], 3)
        for whose, told in (("", after), ("base_", before))
        for key in ("seconds", "seconds_likeliest")
        if key in told
    }
    measured |= {"rows_per_second": round(table.height / after["seconds"], 1), "device": device_name()}
    measured |= latency(alone, list(range(len(prompts)))) | peak_memory()
    write_json(speed, measured)
    print(f"predict {name}: {table.height} answers, {measured['rows_per_second']:,.1f} a second, "
          f"one alone in {measured['latency_ms']['p50']:.1f} ms")  # fmt: skip


def latency(ask: Callable, asked: list) -> dict:
    """How long an answer takes that is asked for alone, ms: median and 95th percentile after a warm-up."""
    for one in asked[:WARM_UP]:
        ask(one)
    took = []
    for one in asked[:REQUESTS]:
        start = time.monotonic()
        ask(one)
        took.append(time.monotonic() - start)
        if sum(took) > PATIENCE:
            break
    p50, p95 = np.percentile(took, [50, 95]) * 1000
    return {"latency_ms": {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}, "requests": len(took)}


if __name__ == "__main__":
    node = len(sys.argv) == 1 + WORDS and not any(word.startswith("-") for word in sys.argv)
    run(main) if node else import_module("stages.answer").command()
