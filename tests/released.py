"""A recipe's reports as literals, and real models of a few thousand weights: what the tests of card, publish, share,
probe and push start from."""

import functools
import json
import shutil
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FULL, LORA = "review_generation-places-full", "sentiment_label-films-lora"
PAIR, LLAMA = "answer_score-answers-pair", "review_generation-places-llama"
WHOLE = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
PART = ("adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "tokenizer_config.json")
REVIEW = "Ждали ``` час. {{ 7 * 7 }} <script>alert(1)</script>\n---\n# Вкусно | `да`"
RATED = {"accuracy": {5: 0.8}}
HUB = {"repo": "mill/minilm", "revision": "a" * 40}


def metric(value: float, n: int = 200) -> dict:
    return {"value": value, "low": round(value - 0.05, 3), "high": round(value + 0.05, 3), "n": n}


def reports(headline: str = "tone_agreement", free: bool = True) -> dict[str, dict]:
    """stage → its report, of one recipe and its source. The answer in it tries to leave its fence."""
    other = "keyword_recall" if free else "macro_f1"
    scored = {headline: metric(0.74), other: metric(0.61)}
    slices = {"rating": {"1": {headline: metric(0.52, 40)}, "5": {headline: metric(0.83, 40)}}}
    if headline == "kappa":  # of a task that scores answers to questions, and reads no rating
        slices = {
            "question": {"Why is the sky blue?": {headline: metric(0.48, 40)}},
            "seen": {"unseen_questions": {headline: metric(0.48, 40)}},
        }
    lost = {"duplicate": 200, "too_short": 100}
    return {
        "account": {
            "stages": {
                "collect": {"rows_in": 9010, "rows_out": 9000, "rejected": {"unreadable": 10}},
                "clean": {"rows_in": 9000, "rows_out": 8700, "rejected": lost | {"spam": 0}},
                "validate": {"rows_in": 8700, "rows_out": 8700, "rejected": {}},
                "enrich": {"rows_in": 8700, "rows_out": 8700, "rejected": {}},
            },
            "leakage": {"exact": 0, "near": 0}, "keywords": {"coverage": 0.949, "grounded": 1.0},
        },
        "clean": {
            "rows_in": 9000, "rows_out": 8700, "rejected": lost, "changed": {"email": 4, "phone": 31, "html": 7},
            "splits": {"train": 6500, "validation": 900, "test": 1300}, "ratings": {"1": 800, "5": 7900},
        },
        "validate": {"passed": True, "rows": 8700, "warnings": [], "expectations": [{"name": "rows", "passed": True}]},
        "tokenize": {"rows": {"train": 5000, "validation": 300, "test": 250}, "task_version": 1},
        "train": {
            "trainable_parameters": 32768, "parameters": 1234567, "steps": 240, "best_step": 180,
            "overfitting": "validation loss rose 3.5% after step 180",
        },
        "seconds": {"train_seconds": 318.564, "tokens_per_second": 7731.8, "device": "cpu, 1 threads"},
        "evaluate": {
            "headline": headline,
            "metrics": scored,
            "slices": slices,
            "base": {"metrics": {headline: metric(0.21), other: metric(0.11)}},
            "baselines": {"nearest_review" if free else "majority": {headline: metric(0.45)}},
            "reference": {headline: metric(0.93)} if free else None,
            "judge": {"kind": "tfidf", "accuracy": metric(0.66), "tone_accuracy": metric(0.86)} if free else None,
            "examples": [{"rating": 1, "prompt": "rating 1 | rubrics Кафе" if free else REVIEW, "target": "тайна",
                          "answer": REVIEW, "base_answer": "и и"}],
        },
    }  # fmt: skip


def settings(**changes: dict) -> dict:
    """params.yaml with the two releases, and one of a causal model; changes: release → what is different about it."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    raw["recipes"][LLAMA] = raw["recipes"][FULL] | {
        "model": {"family": "causal", "base": "bases/places-t5", "prompt_tokens": 96, "target_tokens": 16},
        "predict": {"sample": True},
    }
    for recipe in raw["recipes"].values():
        recipe["model"]["prompt_tokens"] = min(64, recipe["model"]["prompt_tokens"])
        recipe["model"]["target_tokens"] = min(16, recipe["model"]["target_tokens"])
    release = {"license": "apache-2.0", "private": True}
    places = {"task": "review_generation", "source": "places", "base": "bases/places-t5"}
    films = {"task": "sentiment_label", "source": "films", "base": "bases/minilm", "base_at": HUB}
    answers = {"task": "answer_score", "source": "answers", "base": "bases/minilm"}
    bars = {"bar": {"tone_agreement": 0.6, "keyword_recall": 0.5}, "bar_by_rating": {"tone_agreement": 0.5}}
    raw["publish"] = {
        FULL: release | places | bars | {"repo": "mill/places"},
        LORA: release | films | {"repo": "mill/films", "bar": {"accuracy": 0.7}, "bar_by_rating": RATED},
        PAIR: release | answers | {"repo": "mill/answers", "bar": {"kappa": 0.7}},
        LLAMA: release | places | bars | {"repo": "mill/llama"},
    }  # fmt: skip
    raw["datasets"] = {"places": {"repo": "mill/rows", "license": "apache-2.0", "permission": "ours <b>, as `we` say"}}
    for name, change in changes.items():
        raw["publish"][name] |= change
    return raw


@functools.cache
def built() -> Path:
    """Folders as train leaves them: base (BERT), part (an adapter on it), whole (T5), pair (a regressor), llama.

    Untrained, of width 8; built once for all tests of a process.
    """
    import torch

    from stages import params
    from stages.models import adapters, causal, encoder, seq2seq
    from stages.models import tokenizer as tokenizers

    folder = Path(tempfile.mkdtemp(prefix="released-"))
    texts = ["Ждали час, суп остыл, официант грубил.", "Вкусно и недорого, придём ещё.", "Slow start, lovely ending."]
    size = {"vocabulary": 90, "width": 8, "layers": 1, "heads": 2, "epochs": 1, "batch": 1, "lr": 1.0}
    torch.manual_seed(1)

    def base(family: str) -> params.Base:
        return params.Base(corpus="places", family=family, **size)

    def save(name: str, model, tokenizer, method: params.Optimisation) -> None:
        (folder / name).mkdir()
        adapters.save(model, method, "/home/me/minilm", folder / name)
        tokenizers.save(tokenizer, folder / name)

    steps = {"epochs": 1, "lr": 1.0, "batch": 1}
    full = params.Full(kind="full", **steps)
    lora = params.Lora(kind="lora", rank=2, alpha=2, targets=["value", "query"], **steps)
    words = {family: tokenizers.unigram(family, texts * 9, 90, ()) for family in ("seq2seq", "causal", "encoder")}
    save("whole", seq2seq.blank(base("seq2seq"), words["seq2seq"]), words["seq2seq"], full)
    save("llama", causal.blank(base("causal"), words["causal"]), words["causal"], full)
    save("base", encoder.blank(base("encoder"), words["encoder"]), words["encoder"], full)
    save("pair", encoder.load(folder / "base", ("answer_score",)), words["encoder"], full)
    tones = encoder.load(folder / "base", ("negative", "neutral", "positive"))
    save("part", adapters.prepare(tones, lora, encoder.TASK_TYPE, "test"), words["encoder"], lora)
    return folder


def rows():
    """Twelve made-up rows of the enriched table, four of each split."""
    import polars as pl

    from stages.schema import ENRICHED, SPLITS

    told = [
        {
            "id": f"{split}{at}", "group": f"place {at}", "rubrics": "Кафе", "rating": 1 + at % 5, "split": split,
            "text": f"Ждали {at} часа в {split}, суп остыл.", "question": None, "guide": None, "mark": at / 4,
            "keywords": ["суп"],
        }
        for split in SPLITS for at in range(4)
    ]  # fmt: skip
    return pl.DataFrame(told, schema=ENRICHED)


def write_project(folder: Path) -> Path:
    """The recipes' models and reports, params.yaml, a base and the tables, as publish finds them."""
    from stages import schema

    for name, source, told in (
        (FULL, "places", reports()), (LLAMA, "places", reports()), (LORA, "films", reports("accuracy", free=False)),
        (PAIR, "answers", reports("kappa", free=False)),
    ):  # fmt: skip
        for stage, report in told.items():
            of = source if stage in ("account", "clean", "validate") else name
            path = folder / f"reports/{'data' if stage == 'account' else stage}/{of}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report), "utf-8")
        schema.write(folder / f"{source}.parquet", rows(), schema.ENRICHED)
    for name in ("whole", "part", "base", "pair", "llama"):
        shutil.copytree(built() / name, folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings(), allow_unicode=True), "utf-8")
    (folder / "requirements.lock").write_text("torch==2.13.0\n", "utf-8")
    return folder
