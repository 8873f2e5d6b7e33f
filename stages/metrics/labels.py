"""How often a chosen label is the right one."""

import numpy as np

from stages.metrics import intervals


def accuracy(answers: list[str], targets: list[str]) -> dict:
    """Share of rows answered with the target; Wilson interval."""
    return intervals.share([answer == target for answer, target in zip(answers, targets, strict=True)])


def macro_f1(answers: list[str], targets: list[str], labels: tuple[str, ...], seed: int) -> dict:
    """Mean over the labels of their F1, those absent from the targets left out; bootstrap interval.

    As scikit-learn's f1_score(average="macro") over the labels present, from counts, so that resampling is quick.
    """
    codes = {label: i for i, label in enumerate(labels)}
    said = np.array([codes.get(answer, len(labels)) for answer in answers])
    true = np.array([codes[target] for target in targets])

    def statistic(rows: np.ndarray) -> float:
        s, t = said[rows], true[rows]
        present = np.flatnonzero(np.bincount(t, minlength=len(labels)))
        hits = np.bincount(t[s == t], minlength=len(labels))
        return float(np.mean([2 * hits[i] / ((s == i).sum() + (t == i).sum()) for i in present]))

    return intervals.bootstrap(len(said), statistic, seed)
