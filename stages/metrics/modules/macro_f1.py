"""Mean F1 over the labels that the references have, by scikit-learn; what is no label counts as wrong."""

import datasets
import evaluate
from sklearn.metrics import f1_score

TEXTS = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})


class MacroF1(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        said = "predictions, references: labels as text"
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=said, features=TEXTS)

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        present = sorted(set(references))
        return {"macro_f1": float(f1_score(references, predictions, labels=present, average="macro", zero_division=0))}
