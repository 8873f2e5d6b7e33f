"""Train a source's judge: a classifier that reads a review and says how many stars it sounds like.

Three are tried on held-out rows, TF-IDF over words, TF-IDF over characters and the base's frozen encoder; the one with
the best mean recall over ratings is kept. It learns from half of the training rows (splits.judged), never from
validation or test rows, and what it scores on the test rows stands beside every figure that evaluate gets from it.

Reads   the enriched table; a base
Writes  the classifier (JSON and safetensors; with the encoder, when that one is kept); a report of its accuracy
Params  seed, numerics, judges.<name>
"""

import shutil
from functools import partial

import numpy as np
import polars as pl

from stages import params
from stages.files import replacing_folder, write_json
from stages.metrics import intervals
from stages.metrics.agreement import tone_agreement
from stages.models import linear
from stages.models.features import features
from stages.numerics import settle
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, read
from stages.splits import judged, pick


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
    with replacing_folder(folder) as beside:
        linear.save(best, beside)
        if best.kind == linear.ENCODER:
            shutil.copytree(base, beside / linear.ENCODER)
    account = {"kind": best.kind, "candidates": recall, "rows": train.height} | measure(best, test, encode)
    write_json(report, account)
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


def _columns(rows: pl.DataFrame) -> tuple[list[str], list[str]]:
    return rows["text"].to_list(), rows["rating"].cast(pl.String).to_list()


if __name__ == "__main__":
    run(main)
