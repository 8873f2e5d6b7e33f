"""How a model that sums up reviews fares with longer inputs: loss and quality at so many tokens, beside chunk by chunk.

    python -m benchmarks.lengths <recipe> [--tokens 512 1024 2048 4096] [--rows 20]

Run where the recipe has been tokenized and trained. T5's relative positions fall into 32 buckets that saturate at 128
tokens (Raffel et al. 2020, section 2.1), so it reads any length, but was never taught what lies far apart; a decoder's
rotary positions were only met up to the length it learnt at. Each test row is asked with as many of its reviews as the
length holds, always for the summary of all its reviews: loss in nats per target token of that target, the metrics of
`evaluate` on the answers held to their form, seconds per row; and `map_reduce`, the same model on chunks of 512 tokens
of the whole row. Prints a table and merges it into benchmarks/results/lengths.json under the recipe's name.
"""

import argparse
import json
import time
from pathlib import Path

import datasets
import torch

from stages import params, tasks
from stages.metrics import summary
from stages.models import adapters, family, structured
from stages.models import tokenizer as tokenizers
from stages.numerics import device, settle

RESULTS = Path(__file__).parent / "results/lengths.json"
SHOWN = ("rouge_l", "aspect_coverage", "score_error", "supported", "malformed")


def fitting(row: dict, prompt, length, most: int) -> dict:
    """The row with its first reviews, as many as a prompt of `most` tokens holds."""
    return structured.chunks(row, prompt, length, most)[0]


@torch.inference_mode()
def loss(kind, model, tokenizer, prompts: list[list[int]], targets: list[list[int]]) -> float:
    """Mean cross-entropy per target token, nats, one row at a time."""
    collate, total, tokens = kind.collator(tokenizer, model), 0.0, 0
    for prompt, target in zip(prompts, targets, strict=True):
        batch = collate([{"input_ids": prompt, "labels": target}])
        labels = batch.pop("labels").to(model.device)
        outputs = model(**{name: value.to(model.device) for name, value in batch.items()})
        total += kind.loss(outputs, labels, num_items_in_batch=1).item()
        tokens += len(target)
    return total / tokens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 1024, 2048, 4096])
    parser.add_argument("--rows", type=int, default=20)
    asked = parser.parse_args()
    settings = params.load()
    recipe = params.entry(settings.recipes, asked.recipe, "recipes")
    task, kind, how = tasks.load(recipe.task), family(recipe.model.family), recipe.predict
    base, folder = Path("data") / recipe.model.base, Path("data/models") / asked.recipe
    splits = {name: datasets.load_from_disk(f"data/tokens/{asked.recipe}/{name}") for name in ("validation", "test")}
    rows = splits["test"].to_list()[: asked.rows]
    least = summary.threshold(splits["validation"].to_list())["value"]
    language = settings.sources[recipe.rows.source].enrich.language
    settle(settings.numerics, settings.seed)
    tokenizer = tokenizers.load(base)
    model = adapters.load(folder, base, kind.load).to(device()).eval()
    limit, categories = recipe.model.target_tokens, recipe.rows.gather.categories

    def encode(one: dict) -> list[int]:
        return tokenizers.encode(tokenizer, [task.prompt(one)], max(asked.tokens))[0][0]

    def tell(parts: list[dict]) -> list[str]:
        held = structured.forms(tokenizer, parts, limit, how.constrain)
        return kind.answer(model, tokenizer, [encode(one) for one in parts], limit, how, (), held)[0]

    def size(text: str) -> int:
        return len(tokenizers.encode(tokenizer, [text], 10**9)[0][0])

    def told(answers: list[str], seconds: float, tokens: int, of_loss: float | None) -> dict:
        figures = summary.measure(rows, answers, categories, language, least, settings.seed)
        return {"tokens": tokens, "loss": of_loss and round(of_loss, 4), "seconds": round(seconds / len(rows), 3)} | {
            name: figures[name]["value"] for name in SHOWN
        }

    targets = [list(row["labels"]) for row in rows]
    found = {}
    for most in asked.tokens:
        parts = [fitting(row, task.prompt, size, most) for row in rows]
        prompts = [encode(one) for one in parts]
        start = time.perf_counter()
        answers = tell(parts)
        seconds = time.perf_counter() - start
        longest = max(len(prompt) for prompt in prompts)
        found[str(most)] = told(answers, seconds, longest, loss(kind, model, tokenizer, prompts, targets))
        print(asked.recipe, most, found[str(most)], flush=True)
    start = time.perf_counter()
    answers = structured.map_reduce(rows, task.prompt, size, 512, tell)
    found["map_reduce 512"] = told(answers, time.perf_counter() - start, 512, None)
    print(asked.recipe, "map_reduce", found["map_reduce 512"], flush=True)
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    kept[asked.recipe] = {"rows": len(rows), "constrain": how.constrain, "lengths": found}
    RESULTS.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
