"""How much of what was asked for is in the answer."""


def keyword_recall(asked: list[list[str]], found: list[set[str]]) -> list[float | None]:
    """Of each row the share of asked keywords whose lemma is in the answer; None where none is asked.

    asked: keyword lemmas of each row. found: all lemmas of each answer.
    """
    return [
        sum(word in lemmas for word in words) / len(words) if words else None
        for words, lemmas in zip(asked, found, strict=True)
    ]
