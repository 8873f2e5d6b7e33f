"""Measure a recipe's answers, its untuned base's and cheap baselines' on the same test rows.

Reads   the recipe's datasets; its answers; the judge of its source and the judge's report
Writes  a report: every metric with its 95% interval, overall and per rating; examples
Params  seed, numerics, recipes.<name>.task, .rows, sources.<source>.enrich.language
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import datasets
import polars as pl

from stages import criteria, params, tasks
from stages.files import read_json, write_json
from stages.metrics import agreement, coverage, diversity, intervals, labels, overlap
from stages.models import critic
from stages.models.baselines import baselines
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, read
from stages.splits import judged

EXAMPLES = 10


def main(name: str, tokens: str, answers: str, judge: str, judge_report: str, report: str) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    task = tasks.load(recipe.task)
    train, test = (datasets.load_from_disk(str(Path(tokens) / split)).to_polars() for split in ("train", "test"))
    given = read(answers, ANSWERS)
    if given["id"].to_list() != test["id"].to_list():
        raise Refusal("an answer to each test row, in order", f"{given.height} answers to {test.height} rows", answers,
                      f"dvc repro -f predict@{name}")  # fmt: skip
    language = settings.sources[recipe.rows.source].enrich.language
    free = not task.labels  # only free text is judged; a chosen label is right or wrong by itself

    known = train.filter(~judged(train["id"])) if free else train
    heard = read_json(judge_report) if free else None
    panel = Panel(critic.load(Path(judge), language, settings.numerics, settings.seed), heard["criteria"]["bounds"],
                  diversity.Memory(train["target"].to_list())) if free else None  # fmt: skip

    def score(rows: pl.DataFrame, texts: list[str]) -> dict:
        return measure(task, rows, texts, panel, settings.seed)

    told = {"answer": list(given["answer"]), "base": list(given["base_answer"])} | baselines(free, known, test)
    everything = {who: score(test, texts) for who, texts in told.items()}
    said = test.with_columns(given["answer"])
    account = {
        "recipe": name,
        "task": task.name,
        "headline": task.metrics[0],
        "metrics": everything["answer"],
        "slices": {
            "rating": {
                str(rating): score(part, part["answer"].to_list())
                for (rating,), part in sorted(said.group_by("rating", maintain_order=True))
            }
        },
        "base": {"metrics": everything["base"]},
        "baselines": {who: everything[who] for who in told if who not in ("answer", "base")},
        "reference": score(test, test["target"].to_list()) if free else None,
        "judge": {key: heard[key] for key in ("kind", "accuracy", "tone_accuracy", "criteria")} if heard else None,
        "examples": given.select("rating", "prompt", "target", "answer", "base_answer").head(EXAMPLES).to_dicts(),
    }
    write_json(report, account)
    first = account["metrics"][account["headline"]]
    shown = f"{first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}]"
    print(f"evaluate {name}: {account['headline']} {shown} on {first['n']} rows")


@dataclass(frozen=True)
class Panel:
    """What free text is measured with: a judge, its criteria's bounds, and the texts that the model learnt from."""

    judge: critic.Critic
    bounds: dict[str, float]
    memory: diversity.Memory


def measure(task: tasks.Task, rows: pl.DataFrame, texts: list[str], panel: Panel | None, seed: int) -> dict:
    """The task's metrics of `texts`, answers to `rows` in the same order. panel: for free text alone."""
    targets = rows["target"].to_list()
    measures = {
        "accuracy": lambda: labels.accuracy(texts, targets),
        "macro_f1": lambda: labels.macro_f1(texts, targets, task.labels, seed),
        "chrf": lambda: overlap.chrf(texts, targets, seed),
        "distinct_2": lambda: overlap.distinct_2(texts, seed),
        "distinct_3_corpus": lambda: diversity.distinct(texts, 3, seed),
        "self_bleu": lambda: diversity.self_bleu(texts, seed),
        "words": lambda: intervals.mean([len(text.split()) for text in texts], seed),
    }
    if panel:
        signals = panel.judge.signals(rows, texts)
        measures |= _judged(criteria.verdicts(signals, panel.bounds))
        measures |= {
            "tone_agreement": lambda: agreement.tone_agreement(rows["rating"].to_list(), panel.judge.ratings(texts)),
            "keyword_recall": lambda: coverage.keyword_recall(signals["keywords"].to_list(), seed),
            "longest_copy": lambda: intervals.mean([panel.memory.longest(text) for text in texts], seed),
            "copies": lambda: intervals.share([panel.memory.copied(text) for text in texts]),
        }
    return {name: measures[name]() for name in task.metrics}


def _judged(verdicts: pl.DataFrame) -> dict[str, Callable[[], dict]]:
    return {name: partial(intervals.share, verdicts[name].to_list()) for name in verdicts.columns}


if __name__ == "__main__":
    run(main)
