"""Train a source's judge: it reads a review, says how many stars it sounds like, and whether it is right as asked.

Three classifiers of ratings are tried on held-out rows, TF-IDF over words, TF-IDF over characters and the base's frozen
encoder; the one with the best mean recall over ratings is kept. Beside it stand a classifier of rubrics' groups and a
model of grammatical tags in a row. All learn from half of the training rows (splits.judged). Validation rows choose and
set the bounds of the criteria (stages.criteria); what the judge says of test rows, as people wrote them and broken on
purpose, stands beside every figure that evaluate gets from it.

Reads   the enriched table; a base
Writes  the judge (JSON, parquet and safetensors; with the encoder, when that one is kept); a report of its accuracy
Params  seed, numerics, judges.<name>, sources.<name>.enrich.language
"""

import shutil
from functools import partial

import numpy as np
import polars as pl

from stages import criteria, params
from stages.broken import FAULTS, broken
from stages.files import replacing_folder, write_json
from stages.metrics import intervals
from stages.metrics.agreement import tone_agreement
from stages.models import critic, linear, ngrams, rubrics
from stages.models.features import features
from stages.numerics import settle
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, read
from stages.splits import judged, pick
from stages.tags import tagged


def main(name: str, table: str, base: str, folder: str, report: str) -> None:
    settings = params.load()
    wanted = params.entry(settings.judges, name, "judges")
    settle(settings.numerics, settings.seed)
    rows = read(table, ENRICHED)
    rows = rows.filter((pl.col("split") != "train") | judged(rows["id"]))
    train, validation, test = (
        pick(rows.filter(split=split), wanted.rows, even=False, seed=settings.seed)
        for split in ("train", "validation", "test")
    )
    if min(train["rating"].n_unique(), validation.height, test.height) < 2:
        raise Refusal("rows of several ratings to learn from, and rows to be tried on", f"{train.height} + "
                      f"{validation.height} + {test.height} rows", table, "collect more rows")  # fmt: skip
    encode = partial(features, base)
    models = {
        kind: linear.fit(kind, *_columns(train), encode, balanced=True) for kind in (*linear.TFIDF, linear.ENCODER)
    }
    recall = {kind: mean_recall(model, validation, encode) for kind, model in models.items()}
    best = models[max(recall, key=lambda kind: (recall[kind], kind))]
    kinds, areas = rubrics.fit(train, validation, settings.seed)
    language = settings.sources[name].enrich.language
    grammar = ngrams.fit(tagged(train["text"].to_list(), language))
    whole = critic.Critic(best, grammar, kinds, language, encode)
    heard = whole.signals(validation, validation["text"].to_list())
    limits = criteria.bounds(heard, validation["rating"], wanted.passing) | {"keywords": wanted.keywords}
    with replacing_folder(folder) as beside:
        critic.save(whole, beside)
        if best.kind == linear.ENCODER:
            shutil.copytree(base, beside / linear.ENCODER)
    account = {"kind": best.kind, "candidates": recall, "rows": train.height} | measure(best, test, encode)
    even = pick(test, None, even=True, seed=settings.seed)
    account["criteria"] = {"bounds": limits, "passing": wanted.passing, "rubric_candidates": areas,
                           **try_out(whole, limits, even, settings.seed)}  # fmt: skip
    write_json(report, account)
    tried = account["criteria"]
    faults = ", ".join(f"{fault} {one['right']['value']:.0%}" for fault, one in tried["caught"].items())
    print(f"judge {name}: {tried['people']['right']['value']:.1%} of people's reviews right; caught: {faults}")
    print(f"judge {name}: {best.kind}, right on {account['accuracy']['value']:.1%} of test ratings, "
          f"{account['tone_accuracy']['value']:.1%} of tones")  # fmt: skip


def mean_recall(model: linear.Linear, rows: pl.DataFrame, encode: linear.Features) -> float:
    """Share of rows judged right, averaged over ratings, so that the frequent rating does not decide."""
    texts, labels = _columns(rows)
    said = np.array(model.predict(texts, encode))
    true = np.array(labels)
    return round(float(np.mean([(said[true == label] == label).mean() for label in np.unique(true)])), 6)


def measure(model: linear.Linear, rows: pl.DataFrame, encode: linear.Features) -> dict:
    """The judge's own accuracy on reviews by people, by rating and by tone, with 95% intervals."""
    texts, labels = _columns(rows)
    said = model.predict(texts, encode)
    by_rating = {
        rating: {"accuracy": intervals.share([s == rating for s, t in zip(said, labels, strict=True) if t == rating])}
        for rating in sorted(set(labels))
    }
    return {
        "accuracy": intervals.share([s == t for s, t in zip(said, labels, strict=True)]),
        "tone_accuracy": tone_agreement([int(t) for t in labels], [int(s) for s in said]),
        "slices": {"rating": by_rating},
    }


def try_out(whole: critic.Critic, limits: dict[str, float], rows: pl.DataFrame, seed: int) -> dict:
    """What the criteria say of people's reviews and of the same ones broken on purpose, each share with its interval.

    people: share that meets each criterion, and by rating the share that is right. caught: of each fault, the share
    that is called wrong (right), and the share called so by the criterion that is to hear it (own).
    """
    said = criteria.verdicts(whole.signals(rows, rows["text"].to_list()), limits)
    foreign = rubrics.mismatched(rows["rubrics"], whole.rubrics.groups, seed) if whole.rubrics else [None] * rows.height
    caught = {}
    for fault, (asked, texts) in broken(rows, foreign, whole.language, seed).items():
        if asked.height:
            told = criteria.verdicts(whole.signals(asked, texts), limits)
            own = FAULTS[fault]
            caught[fault] = {"right": _wrong(told["right"]), "own": _wrong(told[own]), "criterion": own}
    of_rating = said.select("right", rows["rating"]).partition_by("rating", as_dict=True)
    return {
        "people": {name: intervals.share(said[name].to_list()) for name in said.columns},
        "people_by_rating": {str(rating): intervals.share(part["right"].to_list())
                             for (rating,), part in sorted(of_rating.items())},
        "caught": caught,
    }  # fmt: skip


def _wrong(verdicts: pl.Series) -> dict:
    return intervals.share((~verdicts).to_list())


def _columns(rows: pl.DataFrame) -> tuple[list[str], list[str]]:
    return rows["text"].to_list(), rows["rating"].cast(pl.String).to_list()


if __name__ == "__main__":
    run(main)
