"""Mean F-measure of ROUGE-1, ROUGE-2 and ROUGE-L, 0-1, by rouge-score (Lin 2004, W04-1013), for any alphabet."""

import re

import datasets
import evaluate
from rouge_score.rouge_scorer import RougeScorer

TEXTS = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})
KINDS = ["rouge1", "rouge2", "rougeL"]


class Words:
    """Words in lower case. rouge-score's own tokenizer keeps a-z and 0-9 alone and sees nothing in a Russian text."""

    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


class Rouge(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        said = "predictions, references: texts"
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=said, features=TEXTS)

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        scorer = RougeScorer(KINDS, tokenizer=Words())
        found = [scorer.score(meant, said) for said, meant in zip(predictions, references, strict=True)]
        return {kind: sum(one[kind].fmeasure for one in found) / len(found) for kind in KINDS}
