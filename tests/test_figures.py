"""Rows of plots from literals; then `dvc plots show` and `dvc metrics` on the project's own dvc.yaml and templates."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import figures

ROOT = Path(__file__).parents[1]


def metric(value: float | None) -> dict:
    return {"value": value, "low": 0.1, "high": 0.9, "n": 40}


def recipe(name: str, **more) -> dict:
    told = {
        "recipe": name, "task": name.split("-")[0], "headline": "accuracy",
        "metrics": {"accuracy": metric(0.8)}, "base": {"accuracy": metric(0.2)},
        "baselines": {"a": {"accuracy": metric(0.3)}, "b": {"accuracy": metric(0.5)}},
        "slices": {"rating": {"1": {"accuracy": metric(0.7)}, "5": {"accuracy": metric(None)}}},
        "calibration": {"tuned": {"bins": [{"confidence": 0.9, "accuracy": 0.7, "n": 30, "low": 0.8, "high": 1.0}]}},
        "trainable_parameters": 7,
    }  # fmt: skip
    return told | more


def test_a_recipe_in_one_line():
    told = figures.headline(recipe("tone-full"), {"validation_loss": {"first": 3.0, "best": 0.4, "last": 0.5}})
    assert told == {
        "metric": "accuracy", "value": 0.8, "low": 0.1, "high": 0.9, "baseline": 0.5, "untuned": 0.2,
        "validation_loss": 0.4, "trainable": 7,
    }  # fmt: skip
    bare = figures.headline(recipe("tone-full", base={}, baselines={}), {"validation_loss": {"best": 0.4}})
    assert bare["baseline"] is bare["untuned"] is None


def test_losses_are_of_every_variant_where_one_was_taken():
    point = {"step": 5, "epoch": 0.5, "train_loss": 3.0, "validation_loss": 2.0}
    curves = {"tone-full": [point | {"step": 0, "validation_loss": None}, point], "tone-lora": [point]}
    told = figures.losses([recipe("tone-full"), recipe("tone-lora")], curves)
    assert told == [
        {"panel": "tone", "variant": variant, "step": 5, "epoch": 0.5, "loss": 2.0} for variant in ("full", "lora")
    ]


def test_quality_is_told_of_the_ratings_that_have_it():
    (told,) = figures.by_rating([recipe("tone-full"), recipe("score-full", slices={"seen": {}})])
    assert told == {
        "panel": "tone: accuracy", "variant": "full", "rating": 1, "value": 0.7, "low": 0.1, "high": 0.9,
    }  # fmt: skip


def test_reliability_is_of_recipes_with_probabilities():
    (told,) = figures.reliability([recipe("tone-full"), recipe("text-full", calibration=None)])
    assert told == {"panel": "tone", "variant": "full", "probability": 0.9, "right": 0.7, "rows": 30}


def test_confusion_counts_labels_by_name_and_what_is_none():
    true, said = [0, 0, 0, 1, 1], [0, 0, 2, 1, 0]  # of labels bad, good; 2 is none of them
    ids = [f"{n}" for n in range(5)]
    scores = pl.concat(
        pl.DataFrame({"id": ids, "contestant": who, "metric": column, "value": [float(one) for one in values]})
        for who, column, values in (
            ("answer", "true", true), ("answer", "said", said), ("base", "said", true), ("answer", "accuracy", true),
        )
    )  # fmt: skip
    answers = pl.DataFrame({"id": ids[::-1], "target": ["good", "good", "bad", "bad", "bad"]})
    told = figures.confusion("tone-full", scores, answers)
    counted = {(one["true"], one["said"]): (one["rows"], one["share"]) for one in told}
    assert counted == {
        ("bad", "bad"): (2, 0.666667), ("bad", "good"): (0, 0.0), ("bad", "none of them"): (1, 0.333333),
        ("good", "bad"): (1, 0.5), ("good", "good"): (1, 0.5), ("good", "none of them"): (0, 0.0),
    }  # fmt: skip
    assert [one["order"] for one in told] == [0, 1, 2] * 2 and {one["panel"] for one in told} == {"tone-full"}


@pytest.fixture
def project(tmp_path) -> Path:
    """The project's own graph and templates, in git, with the figures of one recipe and no confusion to draw."""
    for part in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / part, tmp_path)
    sh(tmp_path, "git", "init", "-q")
    dvc(tmp_path, "init", "-q")
    shutil.copytree(ROOT / ".dvc/plots", tmp_path / ".dvc/plots")
    point = {"step": 5, "epoch": 0.5, "train_loss": 3.0, "validation_loss": 2.0}
    rows = {
        "losses": figures.losses([recipe("tone-full")], {"tone-full": [point]}),
        "by_rating": figures.by_rating([recipe("tone-full")]),
        "reliability": figures.reliability([recipe("tone-full")]),
        "confusion": [],
    }
    (profile,) = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))["profile"]
    for name, told in rows.items():
        write(tmp_path / f"data/reports/plots/{profile}/{name}.json", told)
    told = figures.headline(recipe("tone-full"), {"validation_loss": {"best": 0.4}})
    write(tmp_path / f"data/reports/headline/{profile}/tone-full.json", told)
    return tmp_path


def write(path: Path, told: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told), "utf-8")


def sh(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc(folder: Path, *words: str) -> str:
    return sh(folder, sys.executable, "-m", "dvc", *words)


def test_dvc_draws_the_plots_there_are_each_with_title_and_labels(project):
    dvc(project, "plots", "show", "-o", "shown")
    page = (project / "shown/index.html").read_text("utf-8")
    specs = [json.loads(spec) for spec in re.findall(r"var spec = (.*);\n", page)]
    drawn = {spec["title"]["text"]: spec for spec in specs if spec}
    assert len(drawn) == 3 and not any("Confusion" in title for title in drawn)
    for title, spec in drawn.items():
        told = json.dumps(spec)
        assert title and "<DVC_METRIC" not in told and spec["data"]["values"][0]["panel"].startswith("tone")
    (losses,) = (spec for title, spec in drawn.items() if "loss" in title)
    axes = losses["spec"]["encoding"]
    assert (axes["x"]["title"], axes["y"]["title"]) == ("step", "validation loss")


def test_dvc_metrics_are_a_line_of_the_headline_figures_per_recipe(project):
    told = json.loads(dvc(project, "metrics", "show", "--json"))
    ((path, of),) = told[""]["data"].items()
    assert path.endswith("tone-full.json") and of["data"]["value"] == 0.8 and len(of["data"]) == 8
