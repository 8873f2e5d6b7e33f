"""How much of what was asked for is in the answer."""

from stages.metrics import intervals


def keyword_recall(asked: list[list[str]], found: list[set[str]], seed: int) -> dict:
    """Mean over rows of the share of asked keywords whose lemma is in the answer; rows that ask none are left out.

    asked: keyword lemmas of each row. found: all lemmas of each answer. Bootstrap interval; where no row asks, n is 0
    and the interval says that nothing is known.
    """
    shares = [
        sum(word in lemmas for word in words) / len(words) for words, lemmas in zip(asked, found, strict=True) if words
    ]
    return intervals.mean(shares, seed) if shares else {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
