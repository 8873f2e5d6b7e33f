"""Ask whether a source has drifted from what the champion learnt from, so that training anew may be worth its cost.

Reads   the source's enriched table now, and as the champion learnt from it (its training snapshot)
Writes  a report: rows that came and went, a population stability index each of ratings, lengths and vocabulary, the AUC
        of a domain classifier, and the decision with its reason
Params  seed, recipes.<name>.rows, retrain.drift

Asked of the rows that came, against the whole snapshot: a table mostly of old rows would hide what is new about them.
"""

import math
import re

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from stages import measures, params
from stages.files import write_json
from stages.refusal import run
from stages.schema import ENRICHED, read
from stages.splits import pick

WORD = re.compile(r"\w+")
DECILES = [n / 10 for n in range(1, 10)]
COMMON = 100  # words with a bin each; all others share one, for words that the snapshot lacks are rare in any draw
SHUFFLES = 300
FOLDS = 5
SAME = ["id", "text", "rating"]  # a row whose text or rating was changed is a new row


def drift(now: pl.DataFrame, before: pl.DataFrame, rules: params.Drift, seed: int) -> dict:
    """How far the rows of `now` that `before` lacks are from those of `before`, and whether to train: the report."""
    new, gone = now.join(before, on=SAME, how="anti"), before.join(now, on=SAME, how="anti")
    rows = {"before": before.height, "now": now.height, "new": new.height, "gone": gone.height}
    told = {"rows": rows, "growth": round(new.height / max(before.height, 1), 6), "psi": {}, "auc": None}
    if new.height >= rules.fewest and before.height:
        new, old = (pick(part, rules.sample, even=False, seed=seed) for part in (new, before))
        told["psi"] = {name: stability(*of, seed) for name, of in counts(new, old).items()}
        told["auc"] = domain(new, old, seed)
    train, reason = decide(told, rules)
    return told | {"train": train, "reason": reason}


def decide(told: dict, rules: params.Drift) -> tuple[bool, str]:
    """Whether training is worth starting, and why in words. A figure that chance alone may give counts for nothing."""
    rows = told["rows"]
    size = f"{rows['new']:,} new rows beside {rows['before']:,} that the champion knows"
    if rows["new"] < rules.fewest:
        return False, f"{size}: fewer than {rules.fewest:,} (retrain.drift.fewest)"
    found = []
    if told["growth"] >= rules.growth:
        found.append(f"the rows grew by {told['growth']:.1%} (retrain.drift.growth {rules.growth:.1%})")
    for name, one in told["psi"].items():
        if one["value"] >= rules.psi and one["value"] > one["chance"]:
            found.append(f"{name} moved, PSI {one['value']:.3f} nats (retrain.drift.psi {rules.psi:g})")
    auc = told["auc"]
    if auc["value"] >= rules.auc and auc["value"] > auc["chance"]:
        found.append(f"a classifier tells new rows from old, AUC {auc['value']:.3f} (retrain.drift.auc {rules.auc:g})")
    if found:
        return True, f"{size}: " + "; ".join(found)
    moved = ", ".join(f"{name} {one['value']:.3f}" for name, one in told["psi"].items())
    return False, f"{size}, and they are alike: PSI {moved}; AUC {auc['value']:.3f}; growth {told['growth']:.1%}"


def counts(now: pl.DataFrame, before: pl.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is binned, as (rows, bins) of counts for both tables; the bins are those of `before`.

    ratings: 1 to 5. lengths: deciles of the characters. vocabulary: how often a row says each of the COMMON words, and
    any other.
    """
    tables = now, before
    stars = [part["rating"].to_numpy()[:, None] == np.array(measures.RATINGS) for part in tables]
    edges = np.unique([before["text"].str.len_chars().quantile(at) for at in DECILES])
    of_length = [np.searchsorted(edges, part["text"].str.len_chars().to_numpy()) for part in tables]
    lengths = [one[:, None] == np.arange(len(edges) + 1) for one in of_length]
    said = [[WORD.findall(text.lower()) for text in part["text"].to_list()] for part in tables]
    words, times = np.unique([word for text in said[1] for word in text], return_counts=True)
    common = words[np.lexsort((words, -times))][:COMMON].tolist()
    bins = {word: at for at, word in enumerate(common)}
    vocabulary = [_binned(texts, bins, len(common) + 1) for texts in said]
    return {"ratings": tuple(stars), "lengths": tuple(lengths), "vocabulary": tuple(vocabulary)}


def _binned(texts: list[list[str]], bins: dict[str, int], size: int) -> np.ndarray:
    """(texts, size): how many words of each text lie in each bin; the last is for words without one."""
    table = np.zeros((len(texts), size), np.float32)
    for row, text in zip(table, texts, strict=True):
        np.add.at(row, [bins.get(word, size - 1) for word in text], 1)
    return table


def stability(now: np.ndarray, before: np.ndarray, seed: int) -> dict:
    """Population stability index of two (rows, bins) of counts, nats, and what 19 of 20 shuffles stay under.

    Siddiqi (Credit Risk Scorecards, 2006) has 0.1 for a small shift and 0.25 for a large one, whatever the number of
    rows; but the index of equal populations grows as the rows get fewer (Yurdakul, Statistical Properties of Population
    Stability Index, 2018). Her chi-squared bound needs independent counts, which the words of a text are not: hence
    the shuffles. A bin counts half a case more than it has, so that an empty one has a logarithm.
    """
    rows = np.concatenate([now, before]).astype(np.float32)
    random, whole = np.random.default_rng(seed), rows.sum(0)
    drawn = np.zeros((SHUFFLES, len(rows)), np.float32)
    for one in drawn:
        one[random.permutation(len(rows))[: len(now)]] = 1
    parts = drawn @ rows
    chance = np.percentile([_index(part, whole - part) for part in parts], 95)
    return {"value": round(_index(now.sum(0), before.sum(0)), 6), "chance": round(float(chance), 6)}


def _index(now: np.ndarray, before: np.ndarray) -> float:
    shares = [(one + 0.5) / (one + 0.5).sum() for one in (now, before)]
    return measures.drift(*({str(at): float(share) for at, share in enumerate(one)} for one in shares))


def domain(now: pl.DataFrame, before: pl.DataFrame, seed: int) -> dict:
    """Cross-validated AUC of a classifier that tells the texts of `now` from those of `before`; 0.5 is no difference.

    Logistic regression over TF-IDF (a classifier two-sample test: Lopez-Paz and Oquab 2017, arXiv:1610.06545). Folds
    keep groups whole, else a new place would be known by its other reviews. chance: 95% of such figures of equal
    populations lie below, by the rank sum's own variance (Mann and Whitney 1947).
    """
    rows = pl.concat([now, before])
    new = np.repeat([1, 0], [now.height, before.height])
    few = min(part["group"].n_unique() for part in (now, before)) < FOLDS
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", sublinear_tf=True, min_df=2, max_features=60_000)
    model = make_pipeline(words, LogisticRegression(C=4.0, max_iter=400, class_weight="balanced"))
    groups = np.arange(rows.height) if few else rows["group"].to_numpy()
    told = cross_val_predict(model, rows["text"].to_list(), new, groups=groups, cv=folds, method="decision_function")
    spread = math.sqrt((rows.height + 1) / (12 * now.height * before.height))
    return {"value": round(float(roc_auc_score(new, told)), 6), "chance": round(0.5 + 1.645 * spread, 6)}


def main(name: str, now: str, before: str, report: str) -> None:
    settings = params.load()
    want = params.entry(settings.recipes, name, "recipes").rows
    tables = [read(path, ENRICHED) for path in (now, before)]
    for column, values in want.where.items():
        tables = [table.filter(pl.col(column).is_in(list(values))) for table in tables]
    told = drift(*tables, settings.retrain.drift, settings.seed)
    write_json(report, told)
    print(f"drift {name}: {'train' if told['train'] else 'do not train'}: {told['reason']}")


if __name__ == "__main__":
    run(main)
