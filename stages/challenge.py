"""Set a challenger against the champion on the same test rows, and say whether it takes its place.

Reads   the challenger's answers; both models' scores of each of those rows; the challenger's report, for the headline
        metric; the enriched table of today and the champion's training snapshot, for what the champion learnt from
Writes  the verdict: promoted or not, the reason in words, the difference with its 95% interval, overall and by rating
Params  seed, retrain

The challenger is promoted only if it is better by more than `retrain.margin` with 95% confidence, and among the test
rows of no rating worse by more than `retrain.tolerance`.
"""

import numpy as np
import polars as pl

from stages import params, significance
from stages.files import read_json, write_json
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, ENRICHED, SCORES, read

CHALLENGER, CHAMPION = "challenger", "champion"
OF_A_RATING = {"kappa": "rmse", "pearson": "rmse"}  # where all rows have one mark a correlation says nothing

Scores = dict[str, pl.DataFrame]  # contestant → id and a column for each metric


def unseen(test: pl.DataFrame, now: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """Which test rows (id) the champion did not learn from: neither the row, nor its text, nor as a gathered group.

    now, before: enriched tables of today and of the champion's training. What was test there too is unseen.
    """
    learnt = before.filter(pl.col("split") != "test")
    known = pl.concat([learnt["id"], learnt["group"].drop_nulls()]).implode()
    texts = now.join(learnt, on=["question", "text"], how="semi", nulls_equal=True)["id"].implode()
    rows = test.select(~(pl.col("id").is_in(known) | pl.col("id").is_in(texts)))
    return rows.to_series()


def compared(scores: Scores, metric: str, seed: int) -> dict:
    """{metric, challenger, champion, difference, low, high, rows}; the difference is positive where the challenger is
    better, whichever way the metric runs."""
    whole = significance.WHOLE.get(metric)
    column = whole.said if whole else metric
    both = pl.DataFrame({who: scores[who][column] for who in (CHALLENGER, CHAMPION)}).with_columns(
        true=scores[CHALLENGER][whole.true] if whole else pl.lit(0.0)
    )
    both = both.drop_nulls().to_numpy()  # (rows, [challenger, champion, true])
    if not len(both):
        return {"metric": metric, "rows": 0}
    values, true = {CHALLENGER: both[:, 0], CHAMPION: both[:, 1]}, both[:, 2]
    pair, *_ = significance.compared_whole(values, true, whole, seed) if whole else significance.compared(values, seed)
    better = -1 if metric in significance.LOWER_IS_BETTER else 1
    low, high = sorted((better * pair["low"], better * pair["high"]))
    figures = {who: round(_figure(of, true, whole), 6) for who, of in values.items()}
    told = {"difference": better * pair["difference"], "low": low, "high": high, "rows": len(both)}
    return {"metric": metric} | figures | told


def _figure(said: np.ndarray, true: np.ndarray, whole: significance.Whole | None) -> float:
    """The metric itself on all rows."""
    if whole is None:
        return float(said.mean())
    if not whole.table:
        return float(whole.figure(np.array([[x.mean()] for x in (said, true, said**2, true**2, said * true)]))[0])
    labels = int(max(true.max(), said.max() - 1)) + 1
    table = np.zeros((1, labels + 1, labels))
    np.add.at(table[0], (said.astype(int), true.astype(int)), 1)
    return float(whole.figure(table)[0])


def verdict(scores: Scores, ratings: pl.Series, metric: str, rules: params.Retrain, seed: int) -> dict:
    """The whole contest. ratings: of each row, in the order of both tables of `scores`."""
    whole = compared(scores, metric, seed)
    by, narrow = {}, OF_A_RATING.get(metric, metric)
    for rating in ratings.unique().drop_nulls().sort():
        at = ratings == rating
        by[str(rating)] = compared({who: of.filter(at) for who, of in scores.items()}, narrow, seed)
    return whole | {"ratings": by} | dict(zip(("promoted", "reason"), decide(whole, by, rules), strict=True))


def decide(whole: dict, by: dict[str, dict], rules: params.Retrain) -> tuple[bool, str]:
    """Whether the challenger is promoted, and why in words."""
    if not whole["rows"]:
        return False, f"{whole['metric']} asks nothing of any test row that the champion did not learn from"
    shown = (
        f"{whole['metric']} {whole['difference']:+.4f} [{whole['low']:+.4f}, {whole['high']:+.4f}] "
        f"on {whole['rows']} test rows"
    )
    if whole["low"] <= rules.margin:
        return False, f"not better by more than {rules.margin:g} (retrain.margin) with 95% confidence: {shown}"
    worse = [
        f"{one['metric']} {one['difference']:+.4f} on the {one['rows']} rows of rating {rating}"
        for rating, one in by.items()
        if one["rows"] >= rules.slice and one["difference"] < -rules.tolerance
    ]
    if worse:
        return (
            False,
            f"worse by more than {rules.tolerance:g} (retrain.tolerance): {'; '.join(worse)}; over all {shown}",
        )
    return True, f"better: {shown}, and in no rating worse by more than {rules.tolerance:g}"


def columns(table: pl.DataFrame, ids: pl.Series, path: str) -> pl.DataFrame:
    """A scores table's answers as one row per id, in the order of `ids`, a column per metric."""
    wide = table.filter(contestant="answer").pivot("metric", index="id", values="value")
    rows = ids.to_frame("id").join(wide, on="id", how="left", maintain_order="left")
    lacking = sorted(set(ids) - set(wide["id"]))
    if lacking:
        raise Refusal("a score of every test row", f"none of {len(lacking)}, {lacking[0]!r} first", path,
                      "answer and measure the same test rows again")  # fmt: skip
    return rows


def main(
    name: str, answers: str, scores: str, champion_scores: str, evaluated: str, now: str, before: str, report: str
) -> None:
    settings = params.load()
    params.entry(settings.recipes, name, "recipes")
    test = read(answers, ANSWERS).select("id", "rating")
    test = test.filter(unseen(test, read(now, ENRICHED), read(before, ENRICHED)))
    if test.is_empty():
        raise Refusal("test rows that the champion did not learn from", "none", answers,
                      "collect rows of new groups, or look why the test split moved")  # fmt: skip
    metric = read_json(evaluated)["headline"]
    of = {CHALLENGER: scores, CHAMPION: champion_scores}
    told = verdict(
        {who: columns(read(path, SCORES), test["id"], path) for who, path in of.items()},
        test["rating"], metric, settings.retrain, settings.seed,
    )  # fmt: skip
    write_json(report, told)
    print(f"challenge {name}: {'promoted' if told['promoted'] else 'refused'}: {told['reason']}")


if __name__ == "__main__":
    run(main)
