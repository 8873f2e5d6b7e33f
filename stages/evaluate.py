"""Measure a recipe's answers, its untuned base's and cheap baselines' on the same test rows.

Reads   the recipe's datasets; its answers; the judge of its source and the judge's report
Writes  a report: every metric with its 95% interval, overall and per rating; the same model's answers got in another
        way; examples
Params  seed, numerics, recipes.<name>.task, .rows, sources.<source>.enrich.language
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import datasets
import polars as pl

from stages import params, tasks
from stages.files import read_json, write_json
from stages.lemmas import said_in
from stages.metrics import agreement, coverage, labels, overlap, summary
from stages.models import linear
from stages.models.baselines import baselines, extracts
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, read
from stages.splits import judged

EXAMPLES = 10

Ear = Callable[[list[str]], list[int]]


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

    hear = ear(Path(judge), settings)

    bar = borne_out(tokens) if task.group else None

    def score(rows: pl.DataFrame, texts: list[str], own: bool = False) -> dict:
        if task.group:
            words = recipe.rows.gather.categories
            return summary.measure(
                [summary.without_own(row) if own else row for row in rows.to_dicts()],
                texts,
                words,
                language,
                bar["value"],
                settings.seed,
            )
        return measure(task, rows, texts, hear, language, settings.seed)

    others = given.select("others").explode("others").drop_nulls().unnest("others")
    others = {who: others.filter(name=who)["answer"].to_list() for who in others["name"].unique(maintain_order=True)}
    rivals = extracts(test.to_dicts(), settings.seed) if task.group else baselines(free, known, test)
    told = {"answer": list(given["answer"]), "base": list(given["base_answer"])} | rivals
    everything = {who: score(test, texts) for who, texts in told.items()}
    said = test.with_columns(given["answer"])
    heard = read_json(judge_report) if free else None
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
        **({"variants": {who: score(test, texts) for who, texts in others.items()}, "borne_out": bar} if bar else {}),
        "reference": score(test, test["target"].to_list(), own=True) if free else None,
        "judge": {key: heard[key] for key in ("kind", "accuracy", "tone_accuracy")} if heard else None,
        "examples": given.select("rating", "prompt", "target", "answer", "base_answer").head(EXAMPLES).to_dicts(),
    }
    write_json(report, account)
    first = account["metrics"][account["headline"]]
    shown = f"{first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}]"
    print(f"evaluate {name}: {account['headline']} {shown} on {first['n']} rows")


def borne_out(tokens: str) -> dict:
    """From which similarity a claim of a summary counts as borne out, set on the recipe's validation rows."""
    return summary.threshold(datasets.load_from_disk(str(Path(tokens) / "validation")).to_list())


def measure(task: tasks.Task, rows: pl.DataFrame, texts: list[str], hear: Ear, language: str, seed: int) -> dict:
    """The task's metrics of `texts`, answers to `rows` in the same order."""
    targets = rows["target"].to_list()
    measures = {
        "accuracy": lambda: labels.accuracy(texts, targets),
        "macro_f1": lambda: labels.macro_f1(texts, targets, task.labels, seed),
        "tone_agreement": lambda: agreement.tone_agreement(rows["rating"].to_list(), hear(texts)),
        "keyword_recall": lambda: coverage.keyword_recall(rows["keywords"].to_list(), said_in(texts, language), seed),
        "chrf": lambda: overlap.chrf(texts, targets, seed),
        "distinct_2": lambda: overlap.distinct_2(texts, seed),
    }
    return {name: measures[name]() for name in task.metrics}


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
