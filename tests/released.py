"""A recipe's reports and model folders as literals: what the tests of card, publish and push start from."""

import json
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FULL, LORA = "review_generation-places-full", "sentiment_label-films-lora"
WHOLE = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
PART = ("adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "tokenizer_config.json")
REVIEW = "Ждали ``` час. {{ 7 * 7 }} <script>alert(1)</script>\n---\n# Вкусно"


def metric(value: float, n: int = 200) -> dict:
    return {"value": value, "low": round(value - 0.05, 3), "high": round(value + 0.05, 3), "n": n}


def reports(headline: str = "tone_agreement", free: bool = True) -> dict[str, dict]:
    """stage → its report, of one recipe and its source. The answer in it tries to leave its fence."""
    other = "keyword_recall" if free else "macro_f1"
    scored = {headline: metric(0.74), other: metric(0.61)}
    return {
        "clean": {
            "rows_in": 9000, "rows_out": 8700, "rejected": {"duplicate": 200, "too_short": 100}, "changed": {},
            "splits": {"train": 6500, "validation": 900, "test": 1300}, "ratings": {"1": 800, "5": 7900},
        },
        "validate": {"passed": True, "rows": 8700, "warnings": [], "expectations": [{"name": "rows", "passed": True}]},
        "tokenize": {"rows": {"train": 5000, "validation": 300, "test": 250}, "task_version": 1},
        "train": {
            "trainable_parameters": 32768, "parameters": 1234567, "steps": 240, "best_step": 180,
            "overfitting": "validation loss rose 3.5% after step 180",
        },
        "evaluate": {
            "headline": headline,
            "metrics": scored,
            "slices": {"rating": {"1": {headline: metric(0.52, 40)}, "5": {headline: metric(0.83, 40)}}},
            "base": {"metrics": {headline: metric(0.21), other: metric(0.11)}},
            "baselines": {"nearest_review" if free else "majority": {headline: metric(0.45)}},
            "reference": {headline: metric(0.93)} if free else None,
            "judge": {"kind": "tfidf", "accuracy": metric(0.66), "tone_accuracy": metric(0.86)} if free else None,
            "examples": [{"rating": 1, "prompt": "rating 1 | rubrics Кафе", "target": "тайна", "answer": REVIEW,
                          "base_answer": "и и"}],
        },
    }  # fmt: skip


def settings(**changes: dict) -> dict:
    """params.yaml with the two releases; changes: release → what is different about it."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    release = {"license": "apache-2.0", "private": True}
    places = {"task": "review_generation", "source": "places", "base": raw["recipes"][FULL]["model"]["base"]}
    films = {"task": "sentiment_label", "source": "films", "base": "bases/minilm"}
    raw["publish"] = {
        FULL: release | places | {"repo": "mill/places", "bar": {"tone_agreement": 0.6, "keyword_recall": 0.5}},
        LORA: release | films | {"repo": "mill/films", "bar": {"accuracy": 0.7}},
    }
    for name, change in changes.items():
        raw["publish"][name] |= change
    return raw


def write_model(folder: Path, names: tuple[str, ...]) -> Path:
    """A model folder with small files of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        text = "{}" if name.endswith(".json") else f"weights of {name}"
        if name == "adapter_config.json":
            config = {"base_model_name_or_path": "/home/me/minilm", "target_modules": ["value", "query"]}
            text = json.dumps(config)
        (folder / name).write_text(text, "utf-8")
    return folder


def write_project(folder: Path) -> Path:
    """The two recipes' models and reports, params.yaml, a base and the tables, as publish finds them."""
    for name, source, told in ((FULL, "places", reports()), (LORA, "films", reports("accuracy", free=False))):
        for stage, report in told.items():
            of = source if stage in ("clean", "validate") else name
            path = folder / f"reports/{stage}/{of}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report), "utf-8")
        (folder / f"{source}.parquet").write_text(source, "utf-8")
    write_model(folder / "whole", WHOLE)
    write_model(folder / "part", PART)
    write_model(folder / "base", WHOLE)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings(), allow_unicode=True), "utf-8")
    (folder / "requirements.lock").write_text("torch==2.13.0\n", "utf-8")
    return folder
