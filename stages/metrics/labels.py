"""How often a chosen label is the right one."""

import numpy as np

from stages.metrics import intervals


def accuracy(answers: list[str], targets: list[str]) -> list[bool]:
    """Of each row, whether the answer is the target."""
    return [answer == target for answer, target in zip(answers, targets, strict=True)]


def off_label(answers: list[str], labels: tuple[str, ...]) -> list[bool]:
    """Of each row, whether the answer is none of the labels: what free decoding may do and a chosen label cannot."""
    return [answer not in labels for answer in answers]


def macro_f1(answers: list[str], targets: list[str], labels: tuple[str, ...], seed: int) -> dict:
    """Mean over the labels of their F1, those absent from the targets left out; bootstrap interval.

    As scikit-learn's f1_score(average="macro") over the labels present, from counts, so that resampling is quick.
    """
    said, true = codes(answers, labels), codes(targets, labels)

    def statistic(rows: np.ndarray) -> float:
        s, t = said[rows], true[rows]
        present = np.flatnonzero(np.bincount(t, minlength=len(labels)))
        hits = np.bincount(t[s == t], minlength=len(labels))
        return float(np.mean([2 * hits[i] / ((s == i).sum() + (t == i).sum()) for i in present]))

    return intervals.bootstrap(len(said), statistic, seed)


def codes(answers: list[str], labels: tuple[str, ...]) -> np.ndarray:
    """The number of each answer among the labels; len(labels) for what is none of them."""
    known = {label: i for i, label in enumerate(labels)}
    return np.array([known.get(answer, len(labels)) for answer in answers])
