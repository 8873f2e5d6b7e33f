"""Choose a recipe's rows, build their prompts and targets, ask whether they are fit to learn from, turn them into ids.

Reads   the enriched table of the recipe's source; the tokenizer of its base
Writes  a folder with the train, validation and test datasets (Arrow); a report of rows, lengths and the suite's
        verdicts; Data Docs pages (not tracked: they carry times). Refused rows leave the pages alone.
Params  seed, recipes.<name>.task, .rows, .model, sources.<source>.enrich.language
"""

from pathlib import Path

import datasets
import polars as pl

from stages import gate, inputs, measures, params, tasks
from stages.balance import balance
from stages.expectations import told
from stages.files import read_json, replacing_folder, write_json
from stages.gather import gather, references
from stages.models import family
from stages.models import tokenizer as tokenizers
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, SPLITS, read
from stages.splits import pick


def main(name: str, table: str, base: str, folder: str, report: str, docs: str) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    task, model = tasks.load(recipe.task), recipe.model
    _suits(task, recipe, name, base)
    tokenizer = tokenizers.load(base)
    rows = keep(read(table, ENRICHED), recipe.rows)
    language = settings.sources[recipe.rows.source].enrich.language
    drawn = {
        split: draw(rows.filter(pl.col("split") == split), recipe.rows, split, settings.seed, language)
        for split in SPLITS
    }
    for split in SPLITS:
        if drawn[split].is_empty():
            raise Refusal(
                f"rows to {split} on", f"none of {rows.height} in {table} that `where` keeps",
                f"params.yaml: recipes.{name}.rows", "widen `where`, or collect more rows",
            )  # fmt: skip
    fields = ["prompt"] if model.family == "encoder" else ["prompt", "target"]
    limits = {field: getattr(model, f"{field}_tokens") for field in fields}
    with replacing_folder(folder) as beside:
        lengths, parts = {field: [] for field in fields}, []
        for split in SPLITS:
            data, whole, cut_of = encode(drawn[split], task, family(model.family), tokenizer, model)
            for field in fields:
                ids = data["input_ids" if field == "prompt" else "labels"]
                known = whole if field == "prompt" else []
                lengths[field] += known or inputs.uncut(tokenizer, list(data[field]), list(ids), limits[field])
            parts += cut_of
            data.save_to_disk(str(Path(beside) / split))
        verdicts = gate.verdicts(name, recipe, pl.concat(drawn.values()), lengths, limits, docs)
    cut = {field: round(sum(n > limits[field] for n in lengths[field]) / len(lengths[field]), 6) for field in fields}
    train = rows.filter(pl.col("split") == "train")
    account = {
        "rows": {split: drawn[split].height for split in SPLITS},
        "ratings": {"before": _ratings(train), "after": _ratings(drawn["train"])},  # of the training rows: the remedy
        "truncated": {"prompt": 0.0, "target": 0.0} | cut,
        "task_version": task.version,
        "validation": {
            "passed": True,
            "expectations": verdicts,
            "warnings": [one["name"] for one in verdicts if not one["passed"]],
        },
    }
    if task.fields:
        account["truncated_fields"] = {
            field.name: round(sum(field.name in one for one in parts) / len(parts), 6) for field in task.fields
        }
    spread = {f"{field}_tokens": gate.spread(lengths.get(field, [])) for field in ("prompt", "target")}
    write_json(report, account | spread)
    n = account["rows"]
    print(f"tokenize {name}: {n['train']} + {n['validation']} + {n['test']} rows, cut {cut}"
          f"{told([one for one in verdicts if not one['passed']])}")  # fmt: skip


def keep(rows: pl.DataFrame, want: params.Rows) -> pl.DataFrame:
    """The rows that the recipe's `where` asks for."""
    for column, values in want.where.items():
        rows = rows.filter(pl.col(column).is_in(list(values)))
    return rows


def draw(rows: pl.DataFrame, want: params.Rows, split: str, seed: int, language: str) -> pl.DataFrame:
    """The recipe's rows of one split, each split drawn on its own; `copy` counts the repetitions of a training row."""
    most = getattr(want.limit, split)
    if want.gather:
        written = references(want.gather.references, split, want.gather.categories)
        return gather(rows, want.gather, split, language, most, seed, written)
    if split == "train" and split not in want.even:
        return balance(rows, want.balance, most, seed)
    return pick(rows, most, split in want.even, seed).with_columns(copy=pl.lit(0, pl.Int64))


def encode(
    rows: pl.DataFrame, task: tasks.Task, kind, tokenizer, model: params.Model
) -> tuple[datasets.Dataset, list[int], list[set[str]]]:
    """Rows as {id, rating, rubrics, keywords, prompt, target, input_ids, labels, length}.

    Of a task with fields, or of gathered rows, also the columns it reads; and beside the rows, how many tokens each
    prompt has before any cut and which of its fields were cut (of a task without them: nothing).
    """
    prompts = [task.prompt(row) for row in rows.iter_rows(named=True)]
    targets = [task.target(row) for row in rows.iter_rows(named=True)]
    ids, whole, cut = inputs.encode(list(rows.iter_rows(named=True)), task, tokenizer, model)
    if model.head == "number":
        labels = [task.number(row) for row in rows.iter_rows(named=True)]
    else:
        labels, _ = kind.targets(tokenizer, targets, model.target_tokens, task.labels)
    longest = [
        len(one) + (len(label) if isinstance(label, list) else 0) for one, label in zip(ids, labels, strict=True)
    ]
    columns = {
        "id": rows["id"].to_list(), "rating": rows["rating"].to_list(), "rubrics": rows["rubrics"].to_list(),
        "keywords": rows["keywords"].to_list(),
        "prompt": prompts, "target": targets, "input_ids": ids, "labels": labels, "length": longest,
    }  # fmt: skip
    columns |= {column: rows[column].to_list() for column in task.columns if task.fields or task.group}
    return datasets.Dataset.from_dict(columns), whole, cut


def _suits(task: tasks.Task, recipe: params.Recipe, name: str, base: str) -> None:
    """Refuse settings that the task or the base has nothing for."""
    model, address = recipe.model, f"params.yaml: recipes.{name}"
    if model.family == "encoder" and not task.labels:
        raise Refusal(
            "a task with labels, for an encoder chooses among them", f"{task.name} writes free text",
            f"{address}.model.family", "write seq2seq",
        )  # fmt: skip
    if model.cut == "middle" and task.fields:
        raise Refusal(
            "cut: end, for this task cuts its prompt field by field", "middle",
            f"{address}.model.cut", "leave it out",
        )  # fmt: skip
    for setting, wants, has in (("head", model.head == "number", task.number), ("pair", model.pair, task.fields)):
        if wants and not has:
            raise Refusal(
                "a task with a number to give" if setting == "head" else "a task whose prompt has fields", task.name,
                f"{address}.model.{setting}", "leave it out, or take answer_score",
            )  # fmt: skip
    positions = read_json(Path(base) / "config.json").get("max_position_embeddings", model.prompt_tokens)
    if model.prompt_tokens > positions:
        raise Refusal(
            f"at most the {positions} tokens that {model.base} can read", str(model.prompt_tokens),
            f"{address}.model.prompt_tokens", "lower it, or take a base that reads more",
        )  # fmt: skip
    if bool(task.group) != bool(recipe.rows.gather):
        raise Refusal(
            "rows.gather for a task that reads a group's reviews together, and for no other",
            f"{task.name} with{'' if recipe.rows.gather else 'out'} it", f"{address}.rows.gather",
            "add it, with categories and silent" if task.group else "leave it out",
        )  # fmt: skip


def _ratings(rows: pl.DataFrame) -> dict[str, int]:
    """Rows of each rating, 1 to 5."""
    found = dict(rows["rating"].value_counts().rows())
    return {str(rating): found.get(rating, 0) for rating in measures.RATINGS}


if __name__ == "__main__":
    run(main)
