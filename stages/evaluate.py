"""Measure a recipe's answers, its untuned base's and cheap baselines' on the same test rows.

Reads   the recipe's datasets; its answers; the judge of its source and the judge's report
Writes  a report: every metric with its 95% interval, overall and per rating; examples. The score of each row by each
        contestant, for compare to set them against one another; the seconds the baselines took
Params  seed, numerics, recipes.<name>.task, .rows, sources.<source>.enrich.language
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import datasets
import polars as pl

from stages import params, tasks
from stages.files import read_json, write_json
from stages.lemmas import said_in
from stages.metrics import agreement, coverage, intervals, labels, overlap
from stages.metrics.calibration import calibration
from stages.models import linear
from stages.models.baselines import baselines
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, SCORES, read, write
from stages.scores import scores as by_row
from stages.splits import judged

EXAMPLES = 10
# contestant → its column of the answers table
WHO = {"answer": "answer", "likeliest": "likeliest", "base": "base_answer", "base_likeliest": "base_likeliest"}

Ear = Callable[[list[str]], list[int]]
Measured = dict[str, list | dict]  # metric → what each row scores, or one figure where only all rows together have one


def main(
    name: str, tokens: str, answers: str, judge: str, judge_report: str, report: str, scores: str, seconds: str
) -> None:
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
    hear = ear(Path(judge), settings)

    def score(rows: pl.DataFrame, texts: list[str]) -> Measured:
        return measure(task, rows, texts, hear, language, settings.seed)

    def summed(measured: Measured) -> dict:
        return {
            metric: one if isinstance(one, dict) else intervals.summary(one, settings.seed)
            for metric, one in measured.items()
        }

    told = {who: given[column].to_list() for who, column in WHO.items() if not given[column].null_count()}
    took, start = {}, time.monotonic()
    for who, texts in baselines(free, known, test):
        told[who], took[who], start = texts, round(time.monotonic() - start, 3), time.monotonic()
    everything = {who: score(test, texts) for who, texts in told.items()}
    figures = {who: summed(measured) for who, measured in everything.items()}
    said = test.with_columns(given["answer"])
    heard = read_json(judge_report) if free else None
    account = {
        "recipe": name,
        "task": task.name,
        "headline": task.metrics[0],
        "metrics": figures["answer"],
        "likeliest": figures.get("likeliest"),
        "slices": {
            "rating": {
                str(rating): summed(score(part, part["answer"].to_list()))
                for (rating,), part in sorted(said.group_by("rating", maintain_order=True))
            }
        },
        "base": {"metrics": figures["base"], "likeliest": figures.get("base_likeliest")},
        "baselines": {who: figures[who] for who in told if who not in WHO},
        "reference": summed(score(test, test["target"].to_list())) if free else None,
        "calibration": calibrated(given, task.labels, settings.seed),
        "judge": {key: heard[key] for key in ("kind", "accuracy", "tone_accuracy")} if heard else None,
        "examples": given.select("rating", "prompt", "target", "answer", "base_answer").head(EXAMPLES).to_dicts(),
    }
    said_and_true = {who: basis(task, test, texts) for who, texts in told.items()}
    write(scores, by_row(everything, said_and_true, given, task.labels), SCORES)
    write_json(seconds, took)
    write_json(report, account)
    first = account["metrics"][account["headline"]]
    shown = f"{first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}]"
    print(f"evaluate {name}: {account['headline']} {shown} on {first['n']} rows")


def measure(task: tasks.Task, rows: pl.DataFrame, texts: list[str], hear: Ear, language: str, seed: int) -> Measured:
    """The task's metrics of `texts`, answers to `rows` in the same order.

    A metric is a name and a function: what each row scores (right or wrong, or a number, or None), which is summed up
    here and compared row by row by `compare`; or {value, low, high, n}, where only all rows together have a figure.
    """
    targets = rows["target"].to_list()
    measures = {
        "accuracy": lambda: labels.accuracy(texts, targets),
        "macro_f1": lambda: labels.macro_f1(texts, targets, task.labels, seed),
        "off_label": lambda: labels.off_label(texts, task.labels),
        "tone_agreement": lambda: agreement.tones_agree(rows["rating"].to_list(), hear(texts)),
        "keyword_recall": lambda: coverage.keyword_recall(rows["keywords"].to_list(), said_in(texts, language)),
        "chrf": lambda: overlap.chrf(texts, targets),
        "distinct_2": lambda: overlap.distinct_2(texts),
    }
    return {name: measures[name]() for name in task.metrics}


def basis(task: tasks.Task, rows: pl.DataFrame, texts: list[str]) -> dict[str, list[int]]:
    """What a figure of all rows can be taken again from: the numbers of the labels said and true."""
    if not task.labels:
        return {}
    told = {"said": texts, "true": rows["target"].to_list()}
    return {column: labels.codes(each, task.labels).tolist() for column, each in told.items()}


def calibrated(given: pl.DataFrame, names: tuple[str, ...], seed: int) -> dict | None:
    """How far the probabilities of the labels can be believed, tuned and untuned; None where there are none."""
    if given["probabilities"].null_count():
        return None
    targets = given["target"].to_list()
    return {
        whose: calibration(given[column].to_list(), targets, names, seed)
        for whose, column in (("tuned", "probabilities"), ("base", "base_probabilities"))
    }


def ear(judge: Path, settings: params.Params) -> Ear:
    """The judge as a function: texts → the rating it hears in each."""
    model = linear.load(judge)
    features = None
    if model.kind == linear.ENCODER:  # torch is opened for this judge alone
        from stages.models.features import features as encode
        from stages.numerics import settle

        settle(settings.numerics, settings.seed)
        features = partial(encode, judge / linear.ENCODER)
    return lambda texts: [int(label) for label in model.predict(texts, features)]


if __name__ == "__main__":
    run(main)
