"""How much of what was asked for is in the answer."""

from stages.metrics import intervals


def keyword_recall(asked: list[list[str]], found: list[set[str]], seed: int) -> dict:
    """Mean over rows of the share of asked keywords whose lemma is in the answer; rows that ask none are left out.

    asked: keyword lemmas of each row. found: all lemmas of each answer. Bootstrap interval.
    """
    shares = [
        sum(word in lemmas for word in words) / len(words) for words, lemmas in zip(asked, found, strict=True) if words
    ]
    return intervals.mean(shares or [0.0], seed)
