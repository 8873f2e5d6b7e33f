"""Measure a recipe's answers, its untuned base's and cheap baselines' on the same test rows.

Reads   the recipe's datasets; its answers; the judge of its source and the judge's report
Writes  a report: every metric with its 95% interval, overall and per rating; the same model's answers got in another
        way; examples. The score of each row by each contestant, for compare to set them against one another; the
        seconds the baselines took
Params  seed, numerics, recipes.<name>.task, .rows, sources.<source>.enrich.language
"""

import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stages import blas, criteria, params, tasks
from stages.files import read_json, write_json
from stages.metrics import agreement, diversity, intervals, labels, marks, overlap, summary
from stages.metrics.calibration import calibration
from stages.models import critic
from stages.models.baselines import baselines, extracts
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, SCORES, read, write
from stages.scores import scores as by_row
from stages.splits import judged

EXAMPLES = 10
# contestant → its column of the answers table
WHO = {"answer": "answer", "likeliest": "likeliest", "base": "base_answer", "base_likeliest": "base_likeliest"}
ENOUGH = 20  # test rows of a question for figures of its own
RARE = 3  # `right_rare` is of reviews with so many stars or fewer, which remedies for imbalance are for

Measured = dict[str, list | dict]  # metric → what each row scores, or one figure where only all rows together have one


def main(
    name: str, tokens: str, answers: str, judge: str, judge_report: str, report: str, scores: str, seconds: str
) -> None:
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    import datasets  # half a second to open, which a refusal of the recipe need not wait for

    blas.bind(settings.numerics.threads)
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

    bar, panel = None, None
    if task.group:
        bar = borne_out(tokens)
    elif free:
        memory = diversity.Memory(train["target"].to_list())
        hears = critic.load(Path(judge), language, settings.numerics, settings.seed)
        panel = Panel(hears, heard["criteria"]["bounds"], memory)

    def score(rows: pl.DataFrame, texts: list[str], own: bool = False) -> Measured:
        if task.group:
            asked = [summary.without_own(row) if own else row for row in rows.to_dicts()]
            return summary.by_row(asked, texts, recipe.rows.gather.categories, language, bar["value"])
        return measure(task, rows, texts, panel, settings.seed)

    def summed(measured: Measured) -> dict:
        return {
            metric: one if isinstance(one, dict) else intervals.summary(one, settings.seed)
            for metric, one in measured.items()
        }

    others = given.select("others").explode("others").drop_nulls().unnest("others")
    others = {who: others.filter(name=who)["answer"].to_list() for who in others["name"].unique(maintain_order=True)}
    told = {who: given[column].to_list() for who, column in WHO.items() if not given[column].null_count()}
    rivals = extracts(test.to_dicts(), settings.seed) if task.group else baselines(free, known, test)
    took, start = {}, time.monotonic()
    for who, texts in rivals:
        told[who], took[who], start = texts, round(time.monotonic() - start, 3), time.monotonic()
    everything = {who: score(test, texts) for who, texts in told.items()}
    figures = {who: summed(measured) for who, measured in everything.items()}
    said = test.with_columns(given["answer"])
    account = {
        "recipe": name,
        "task": task.name,
        "headline": task.metrics[0],
        "metrics": figures["answer"],
        "likeliest": figures.get("likeliest"),
        "slices": {
            of: {key: summed(score(part, part["answer"].to_list())) for key, part in parts.items()}
            for of, parts in slices(task, train, said).items()
        },
        "base": {"metrics": figures["base"], "likeliest": figures.get("base_likeliest")},
        "baselines": {who: figures[who] for who in told if who not in WHO},
        **({"variants": {who: summed(score(test, of)) for who, of in others.items()}, "borne_out": bar} if bar else {}),
        "reference": summed(score(test, test["target"].to_list(), own=True)) if free else None,
        "calibration": calibrated(given, task.labels, settings.seed),
        "judge": {key: heard[key] for key in ("kind", "accuracy", "tone_accuracy", "criteria")} if heard else None,
        "examples": given.select("rating", "prompt", "target", "answer", "base_answer").head(EXAMPLES).to_dicts(),
    }
    said_and_true = {who: basis(task, test, texts) for who, texts in told.items()}
    write(scores, by_row(everything, said_and_true, given, task.labels), SCORES)
    write_json(seconds, took)
    write_json(report, account)
    first = account["metrics"][account["headline"]]
    shown = f"{first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}]"
    print(f"evaluate {name}: {account['headline']} {shown} on {first['n']} rows")


def borne_out(tokens: str) -> dict:
    """From which similarity a claim of a summary counts as borne out, set on the recipe's validation rows."""
    import datasets

    return summary.threshold(datasets.load_from_disk(str(Path(tokens) / "validation")).to_list())


def slices(task: tasks.Task, train: pl.DataFrame, test: pl.DataFrame) -> dict[str, dict[str, pl.DataFrame]]:
    """Test rows by what may make them hard: by rating; of marked answers by whether the question was trained on, and by
    question where it has ENOUGH rows.
    """
    if task.number is None:
        return {"rating": {str(key): part for (key,), part in sorted(test.group_by("rating", maintain_order=True))}}
    known = pl.when(pl.col("question").is_in(train["question"].unique().implode()))
    test = test.with_columns(seen=known.then(pl.lit("unseen_answers")).otherwise(pl.lit("unseen_questions")))
    most = test.drop_nulls("question").filter(pl.len().over("question") >= ENOUGH)
    by = {
        "seen": test.group_by("seen", maintain_order=True),
        "question": most.group_by("question", maintain_order=True),
    }
    return {of: {key: part for (key,), part in sorted(groups)} for of, groups in by.items()}


@dataclass(frozen=True)
class Panel:
    """What free text is measured with: a judge, its criteria's bounds, and the texts that the model learnt from."""

    judge: critic.Critic
    bounds: dict[str, float]
    memory: diversity.Memory


def measure(task: tasks.Task, rows: pl.DataFrame, texts: list[str], panel: Panel | None, seed: int) -> Measured:
    """The task's metrics of `texts`, answers to `rows` in the same order. panel: for free text alone.

    A metric is a name and a function: what each row scores (right or wrong, or a number, or None), which is summed up
    here and compared row by row by `compare`; or {value, low, high, n}, where only all rows together have a figure.
    """
    targets = rows["target"].to_list()
    measures = {
        "accuracy": lambda: labels.accuracy(texts, targets),
        "macro_f1": lambda: labels.macro_f1(texts, targets, task.labels, seed),
        "off_label": lambda: labels.off_label(texts, task.labels),
        "chrf": lambda: overlap.chrf(texts, targets),
        "distinct_2": lambda: overlap.distinct_2(texts),
        "distinct_3_corpus": lambda: diversity.distinct(texts, 3, seed),
        "self_bleu": lambda: diversity.self_bleu(texts, seed),
        "words": lambda: [float(len(text.split())) for text in texts],
        "kappa": lambda: marks.kappa(texts, rows["mark"], task.labels, seed),
        **{name: lambda name=name: marks.MEASURES[name](texts, rows["mark"], seed) for name in marks.MEASURES},
        "readable": lambda: marks.readable(texts),
    }
    if panel:
        signals = panel.judge.signals(rows, texts)
        verdicts = criteria.verdicts(signals, panel.bounds)
        measures |= {name: verdicts[name].to_list for name in verdicts.columns}
        rare = pl.when(rows["rating"] <= RARE).then(verdicts["right"])
        measures |= {
            "right_rare": verdicts.select(rare).to_series().to_list,
            "tone_agreement": lambda: agreement.tones_agree(rows["rating"].to_list(), panel.judge.ratings(texts)),
            "keyword_recall": signals["keywords"].to_list,
            "longest_copy": lambda: [float(panel.memory.longest(text)) for text in texts],
            "copies": lambda: [panel.memory.copied(text) for text in texts],
        }
    return {name: measures[name]() for name in task.metrics}


def basis(task: tasks.Task, rows: pl.DataFrame, texts: list[str]) -> dict[str, list[int | float]]:
    """What a figure of all rows can be taken again from: numbers of the labels said and true; of marks, those too."""
    if not task.labels:
        return {}
    if task.number:
        told = {"number": marks.read(texts), "true_number": rows["mark"].to_numpy()}
        near = {"said": told["number"], "true": told["true_number"]}
        told |= {column: marks.nearest(each, task.labels) for column, each in near.items()}
        return {column: each.tolist() for column, each in told.items()}
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


if __name__ == "__main__":
    run(main)
