"""Which of some sentences says most of what the others say: centrality in the graph of their TF-IDF similarities."""

import numpy as np

ALIKE = 0.1  # cosine from which two sentences are neighbours: LexRank's own threshold
DAMPING, STEPS, CLOSE = 0.85, 100, 1e-9


def similarities(texts: list[str]) -> np.ndarray:
    """Cosines of every two texts by TF-IDF over words, (texts, texts) float64; texts without words are like none."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # most who import this module ask it later or never

    try:
        rows = TfidfVectorizer(token_pattern=r"\w+").fit_transform(texts)
    except ValueError:  # not a word in any of them
        return np.eye(len(texts))
    return (rows @ rows.T).toarray()


def degree(texts: list[str]) -> np.ndarray:
    """Degree centrality (Erkan and Radev 2004, doi:10.1613/jair.1523, section 3.1): how many are alike, (texts,).

    Below one another in the same whole number: the mean cosine, which tells apart those with equally many neighbours.
    """
    cosines = similarities(texts)
    return (cosines > ALIKE).sum(1) + cosines.mean(1) * 0.999


def lexrank(texts: list[str]) -> np.ndarray:
    """Continuous LexRank (the same, section 3.3): the stationary share of a walk along cosines, (texts,), sums to 1."""
    cosines = similarities(texts)
    moves = cosines / np.maximum(cosines.sum(1, keepdims=True), CLOSE)
    share = np.full(len(texts), 1 / len(texts))
    for _ in range(STEPS):
        new = DAMPING * share @ moves + (1 - DAMPING) / len(texts)
        new /= new.sum()
        if np.abs(new - share).max() < CLOSE:
            break
        share = new
    return share
