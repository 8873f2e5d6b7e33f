"""Which kind of place or film a text speaks of: a linear classifier of groups of rubrics, learnt from people's reviews.

Rubrics that stand together in many rows are one group: "Кафе" and "Пиццерия" are, "Кафе" and "Автомойка" are not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stages.models import linear

TOGETHER = 0.05  # share of the rarer rubric's rows that have the other too, from which the two are one group
GROUPS = "groups.json"
SEPARATOR = ";"


@dataclass(frozen=True)
class Rubrics:
    """groups: rubric → number of its group. model: a classifier whose labels are those numbers, as text."""

    groups: dict[str, int]
    model: linear.Linear

    def margins(self, rubrics: Sequence[str | None], texts: list[str]) -> list[float | None]:
        """By how many nats each text fits a group of its rubrics better than it fits the best other group.

        The classifier weighs groups alike whatever their share, so a text that names nothing of any group lies near 0
        for all. None where the rubrics are absent or unknown: nothing can be said.
        """
        scores = self.model.scores(texts)
        at = {label: column for column, label in enumerate(self.model.labels)}
        own = [sorted({at[label] for label in self._labels(one) if label in at}) for one in rubrics]
        return [_margin(row, columns) for row, columns in zip(scores, own, strict=True)]

    def _labels(self, rubrics: str | None) -> set[str]:
        return {str(self.groups[one]) for one in (rubrics or "").split(SEPARATOR) if one in self.groups}

    def label(self, rubrics: str | None) -> str | None:
        """The group of the first rubric that has one."""
        known = [str(self.groups[one]) for one in (rubrics or "").split(SEPARATOR) if one in self.groups]
        return known[0] if known else None


def _margin(scores: np.ndarray, own: list[int]) -> float | None:
    if not own or len(own) == len(scores):
        return None
    others = np.delete(scores, own)
    return float(scores[own].max() - others.max())


def group(rubrics: Sequence[str | None]) -> dict[str, int]:
    """rubric → number of its group: connected components of the rubrics that stand together often enough.

    >>> group(["Кафе;Пиццерия", "Пиццерия", "Автомойка", None])
    {'Автомойка': 0, 'Кафе': 1, 'Пиццерия': 1}
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    rows = [sorted(set(one.split(SEPARATOR))) for one in rubrics if one]
    names = sorted({name for row in rows for name in row})
    at = {name: column for column, name in enumerate(names)}
    columns = [at[name] for row in rows for name in row]
    numbers = [number for number, row in enumerate(rows) for _ in row]
    has = csr_matrix((np.ones(len(columns)), (numbers, columns)), shape=(len(rows), len(names)))
    together = (has.T @ has).tocoo()
    alone = np.asarray(has.sum(0)).ravel()
    near = together.data / np.minimum(alone[together.row], alone[together.col]) >= TOGETHER
    links = csr_matrix((np.ones(near.sum()), (together.row[near], together.col[near])), shape=together.shape)
    found = connected_components(links, directed=False)[1] if names else []
    return {name: int(number) for name, number in zip(names, found, strict=True)}


def fit(train: pl.DataFrame, validation: pl.DataFrame, seed: int) -> tuple[Rubrics | None, dict[str, float]]:
    """The kind of TF-IDF that tells own from foreign rubrics best on validation rows, and the area under each's curve.

    None where the rows have no rubrics, or all of one group.
    """
    groups = group(train["rubrics"].to_list())
    labels = [Rubrics(groups, None).label(one) for one in train["rubrics"].to_list()]
    known = [at for at, label in enumerate(labels) if label is not None]
    if len({labels[at] for at in known}) < 2:
        return None, {}
    texts, labels = train["text"].gather(known).to_list(), [labels[at] for at in known]
    tried = {kind: Rubrics(groups, linear.fit(kind, texts, labels, balanced=True)) for kind in linear.TFIDF}
    foreign = mismatched(validation["rubrics"], groups, seed)
    told = {kind: area(one, validation, foreign) for kind, one in tried.items()}
    return tried[max(told, key=lambda kind: (told[kind], kind))], told


def mismatched(rubrics: pl.Series, groups: dict[str, int], seed: int) -> list[str | None]:
    """The rubrics of another row, of another group; None where shuffling brought none."""
    shuffled = rubrics.sample(fraction=1, shuffle=True, seed=seed).to_list()
    name = Rubrics(groups, None).label
    return [other if name(other) not in (None, name(own)) else None
            for own, other in zip(rubrics.to_list(), shuffled, strict=True)]  # fmt: skip


def area(model: Rubrics, rows: pl.DataFrame, foreign: list[str | None]) -> float:
    """Area under the ROC curve of margins: own rubrics against foreign ones, 0.5 is chance."""
    from sklearn.metrics import roc_auc_score

    texts = rows["text"].to_list()
    own, other = model.margins(rows["rubrics"].to_list(), texts), model.margins(foreign, texts)
    told = [(1, value) for value in own if value is not None] + [(0, value) for value in other if value is not None]
    truth = [one for one, _ in told]
    return round(float(roc_auc_score(truth, [value for _, value in told])), 6) if len(set(truth)) == 2 else 0.5


def save(model: Rubrics, folder: Path) -> None:
    folder.mkdir(parents=True)
    linear.save(model.model, folder)
    (folder / GROUPS).write_text(json.dumps(model.groups, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def load(folder: Path) -> Rubrics:
    return Rubrics(json.loads((folder / GROUPS).read_text("utf-8")), linear.load(folder))
