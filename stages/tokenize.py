"""Choose a recipe's rows, build their prompts and targets, and turn both into ids.

Reads   the enriched table of the recipe's source; the tokenizer of its base
Writes  a folder with the train, validation and test datasets (Arrow); a report of rows and lengths
Params  seed, recipes.<name>.task, .rows, .model
"""

import sys
from pathlib import Path

import datasets
import polars as pl

from stages import params, tasks
from stages.files import read_json, replacing_folder, write_json
from stages.models import family
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, SPLITS, read
from stages.splits import pick


def main(name: str, table: str, base: str, folder: str, report: str) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    task, model = tasks.load(recipe.task), recipe.model
    if model.family == "encoder" and not task.labels:
        raise Refusal(
            "a task with labels, for an encoder chooses among them", f"{task.name} writes free text",
            f"params.yaml: recipes.{name}.model.family", "write seq2seq",
        )  # fmt: skip
    positions = read_json(Path(base) / "config.json").get("max_position_embeddings", model.prompt_tokens)
    if model.prompt_tokens > positions:
        raise Refusal(
            f"at most the {positions} tokens that {model.base} can read", str(model.prompt_tokens),
            f"params.yaml: recipes.{name}.model.prompt_tokens", "lower it, or take a base that reads more",
        )  # fmt: skip
    tokenizer = tokenizers.load(base)
    rows = read(table, ENRICHED)
    with replacing_folder(folder) as beside:
        counts, lengths, cut = {}, {"prompt": [], "target": []}, {"prompt": 0, "target": 0}
        texts = {"prompt": [], "target": []}
        for split in SPLITS:
            chosen = choose(rows, recipe.rows, split, settings.seed)
            if chosen.is_empty():
                raise Refusal(
                    f"rows to {split} on", f"none of {rows.height} in {table}",
                    f"params.yaml: recipes.{name}.rows", "widen `where`, or collect more rows",
                )  # fmt: skip
            data, short = encode(chosen, task, family(model.family), tokenizer, model)
            data.save_to_disk(str(Path(beside) / split))
            counts[split] = data.num_rows
            lengths["prompt"] += [len(ids) for ids in data["input_ids"]]
            if not task.labels or model.family != "encoder":
                lengths["target"] += [len(ids) for ids in data["labels"]]
            for field in cut:
                cut[field] += short[field]
                texts[field] += list(data[field])
        truncated = {field: round(cut[field] / sum(counts.values()), 6) for field in cut}
        for field, share in truncated.items():
            if share > model.truncated_share:
                uncut = _spread([len(ids) for ids in tokenizers.encode(tokenizer, texts[field], sys.maxsize)[0]])
                raise Refusal(
                    f"at most {model.truncated_share:.1%} of rows cut at {field}_tokens", f"{share:.1%}",
                    f"params.yaml: recipes.{name}.model.{field}_tokens",
                    f"raise it (95% have at most {uncut['p95']} tokens), or raise truncated_share",
                )  # fmt: skip
    spread = {f"{field}_tokens": _spread(lengths[field]) for field in lengths}
    write_json(report, {"rows": counts, "truncated": truncated, "task_version": task.version} | spread)
    print(f"tokenize {name}: {counts['train']} + {counts['validation']} + {counts['test']} rows, cut {truncated}")


def choose(rows: pl.DataFrame, want: params.Rows, split: str, seed: int) -> pl.DataFrame:
    """The recipe's rows of one split: filtered, then limited, each split drawn on its own."""
    rows = rows.filter(pl.col("split") == split)
    for column, values in want.where.items():
        rows = rows.filter(pl.col(column).is_in(list(values)))
    return pick(rows, getattr(want.limit, split), split in want.even, seed)


def encode(rows: pl.DataFrame, task: tasks.Task, kind, tokenizer, model: params.Model) -> tuple[datasets.Dataset, dict]:
    """Rows as {id, rating, keywords, prompt, target, input_ids, labels, length}, and how many fields were cut."""
    prompts = [task.prompt(row) for row in rows.iter_rows(named=True)]
    targets = [task.target(row) for row in rows.iter_rows(named=True)]
    inputs, short_prompts = tokenizers.encode(tokenizer, prompts, model.prompt_tokens)
    labels, short_targets = kind.targets(tokenizer, targets, model.target_tokens, task.labels)
    longest = [
        len(one) + (len(label) if isinstance(label, list) else 0) for one, label in zip(inputs, labels, strict=True)
    ]
    columns = {
        "id": rows["id"].to_list(), "rating": rows["rating"].to_list(), "keywords": rows["keywords"].to_list(),
        "prompt": prompts, "target": targets, "input_ids": inputs, "labels": labels, "length": longest,
    }  # fmt: skip
    return datasets.Dataset.from_dict(columns), {"prompt": short_prompts, "target": short_targets}


def _spread(lengths: list[int]) -> dict[str, int]:
    """Median, 95th percentile and maximum of lengths, tokens."""
    ordered = sorted(lengths) or [0]
    return {"median": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)], "max": ordered[-1]}


if __name__ == "__main__":
    run(main)
