"""How close a text is to a reference, and how much it repeats itself."""

import itertools


def chrf(answers: list[str], targets: list[str]) -> list[float]:
    """Sentence chrF of each answer, 0–100 (Popović 2015, W15-3049; sacrebleu's defaults)."""
    from sacrebleu.metrics import CHRF  # a tenth of a second to open

    score = CHRF()
    return [score.sentence_score(answer, [target]).score for answer, target in zip(answers, targets, strict=True)]


def distinct_2(answers: list[str]) -> list[float]:
    """Share of each text's word pairs that are new in it, 0–1; a text of one word counts 1.

    Li et al. 2016 (N16-1014) count over a whole corpus; here over each text, so that it sees a text repeat itself.
    """

    def one(text: str) -> float:
        words = text.lower().split()
        pairs = list(itertools.pairwise(words))
        return len(set(pairs)) / len(pairs) if pairs else float(bool(words))

    return [one(text) for text in answers]
