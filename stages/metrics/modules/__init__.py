"""The house's metrics as modules of Hugging Face's `evaluate`, shipped with it and loaded by path.

`evaluate.load("accuracy")` fetches code from the Hub and fails offline; these wrap scikit-learn, sacrebleu and
rouge-score and need no net. The stages count by the same libraries themselves, since importing `evaluate` takes 3.5 s
(transformers' pipelines come with it), as long as a whole evaluation of 400 rows; a test holds the two together.
"""

from pathlib import Path

MODULES = ("accuracy", "macro_f1", "chrf", "rouge")


def load(name: str):
    """The `evaluate.Metric` of that name; its compute(predictions=texts, references=texts) gives {figure: value}."""
    import evaluate

    return evaluate.load(str(Path(__file__).with_name(f"{name}.py")), keep_in_memory=True)
