"""How much of what was asked for is in the answer."""

from stages.metrics import intervals


def keyword_recall(shares: list[float | None], seed: int) -> dict:
    """Mean over rows of the share of asked keywords whose lemma is in the answer; None asks none.

    Bootstrap interval; where no row asks, n is 0 and the interval says that nothing is known.
    """
    asked = [share for share in shares if share is not None]
    return intervals.mean(asked, seed) if asked else {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
