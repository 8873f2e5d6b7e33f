"""Whether a probability means what it says: of the answers given with 0.8, eight in ten should be right."""

import numpy as np

from stages.metrics import intervals

BINS = 15  # of equal width, as Guo et al. 2017 have them


def calibration(probabilities: list[list[float]], targets: list[str], labels: tuple[str, ...], seed: int) -> dict:
    """Expected calibration error, Brier score, and the bins of a reliability plot.

    probabilities: of each label, per row. ECE is the mean over rows of |accuracy - confidence| of the row's bin (Guo et
    al. 2017, arXiv:1706.04599, section 2), its interval by the bootstrap: an ECE is above 0 even where nothing is
    wrong, the more so the fewer the rows.
    """
    chances, true = np.array(probabilities), np.array([labels.index(target) for target in targets])
    sure, right = chances.max(1), chances.argmax(1) == true
    at = np.minimum((sure * BINS).astype(int), BINS - 1)
    gap = right - sure

    def ece(rows: np.ndarray) -> float:
        return float(np.abs(np.bincount(at[rows], gap[rows], BINS)).sum() / len(rows))

    return {
        "ece": intervals.bootstrap(len(true), ece, seed),
        "brier": intervals.mean(brier(probabilities, targets, labels), seed),
        "bins": [
            {
                "low": round(b / BINS, 6),
                "high": round((b + 1) / BINS, 6),
                "n": int((at == b).sum()),
                "confidence": round(float(sure[at == b].mean()), 6),
                "accuracy": round(float(right[at == b].mean()), 6),
            }
            for b in np.unique(at).tolist()
        ],
    }


def brier(probabilities: list[list[float]], targets: list[str], labels: tuple[str, ...]) -> list[float]:
    """Squared distance of each row's probabilities from the truth, 0–2, summed over labels (Brier 1950)."""
    true = np.array([[label == target for label in labels] for target in targets], dtype=float)
    return ((np.array(probabilities) - true) ** 2).sum(1).tolist()
