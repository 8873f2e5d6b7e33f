"""Share of rows answered with the target, by scikit-learn."""

import datasets
import evaluate
from sklearn.metrics import accuracy_score

TEXTS = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})


class Accuracy(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        said = "predictions, references: labels as text"
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=said, features=TEXTS)

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(references, predictions))}
