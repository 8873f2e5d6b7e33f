"""When a written review is right: four criteria over signals, with bounds that people's own reviews set.

    fits_rubric       rubric    nats by which the text fits its rubrics' group better than any other
    fits_tone         tone      log probability of the asked tone (1–2, 3, 4–5 stars), nats
    holds_together    grammar   mean log probability of its least likely grammatical tags in their order, nats
                      ending    log probability that the text ends where it ends, nats
                      fresh     share of word triples that are new in the text
    keywords_said     keywords  share of the asked keywords whose lemmas are in the text

The higher a signal the better; null means that nothing was asked, and passes.
"""

import numpy as np
import polars as pl

# criterion → its signals, each with its share of what the criterion may reject
CRITERIA = {
    "fits_rubric": {"rubric": 1.0},
    "fits_tone": {"tone": 1.0},
    "holds_together": {"grammar": 0.6, "ending": 0.2, "fresh": 0.2},
    "keywords_said": {"keywords": 1.0},
}
SIGNALS = tuple(signal for signals in CRITERIA.values() for signal in signals)
SET_BY_PEOPLE = tuple(signal for signal in SIGNALS if signal != "keywords")  # people's reviews hold all their keywords


def bounds(signals: pl.DataFrame, ratings: pl.Series, passing: float) -> dict[str, float]:
    """The bound of each signal that a share `passing` of people's reviews meets, criterion by criterion.

    Each rating weighs the same, so that the commonest does not set the bound alone; the signals of one criterion share
    what it may reject. A signal that no row has gets no bound.
    """
    found = {}
    for of in CRITERIA.values():
        for signal, share in ((one, share) for one, share in of.items() if one in SET_BY_PEOPLE):
            rows = pl.DataFrame({"value": signals[signal], "rating": ratings}).drop_nulls()
            if rows.height:
                weights = 1 / rows.select(pl.len().over("rating")).to_series()
                found[signal] = _quantile(rows["value"].to_numpy(), weights.to_numpy(), (1 - passing) * share)
    return found


def verdicts(signals: pl.DataFrame, limits: dict[str, float]) -> pl.DataFrame:
    """One column of booleans per criterion, and `right`: all of them. A signal without a bound is not asked."""
    met = signals.select((pl.col(signal) >= bound).fill_null(True) for signal, bound in limits.items())
    return met.select(
        pl.all_horizontal(*(part for part in parts if part in limits), pl.lit(True)).alias(criterion)
        if any(part in limits for part in parts) else pl.repeat(True, pl.len()).alias(criterion)
        for criterion, parts in CRITERIA.items()
    ).with_columns(right=pl.all_horizontal(pl.all()))  # fmt: skip


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The highest of `values` below which at most `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) / weights.sum()
    return round(float(values[order][np.searchsorted(below, share, side="right")]), 6)
