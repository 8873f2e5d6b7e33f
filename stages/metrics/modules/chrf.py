"""Mean sentence chrF, 0-100, by sacrebleu (Popović 2015, W15-3049)."""

import datasets
import evaluate
from sacrebleu.metrics import CHRF

TEXTS = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})


class Chrf(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        said = "predictions, references: texts"
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=said, features=TEXTS)

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        score = CHRF()
        pairs = zip(predictions, references, strict=True)
        return {"chrf": sum(score.sentence_score(said, [meant]).score for said, meant in pairs) / len(references)}
