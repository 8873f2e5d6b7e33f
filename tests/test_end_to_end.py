"""The whole DAG through the real command line, on a small sample: every family with every method, then what re-runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
METHODS = {
    "full": {"kind": "full", "epochs": 1, "lr": 1.0e-3, "batch": 16},
    "lora": {"kind": "lora", "rank": 4, "alpha": 16, "epochs": 1, "lr": 1.0e-3, "batch": 16, "merge": True},
}
FAMILIES = {
    "seq2seq": ("review_generation", "places", "bases/tiny-t5", ["q", "v"]),
    "causal": ("review_generation", "places", "bases/tiny-llama", ["q_proj", "v_proj"]),
    "encoder": ("sentiment_label", "films", "bases/tiny-bert", ["query", "value"]),
}


def small_params() -> dict:
    """The default settings cut down to a minute: few rows, bases of a few thousand weights, one epoch."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    del params["sources"]["venues"]  # the same as places, but for the reviews of each
    params["sources"].pop("answers")  # another minute of stages for what small_mill's bert-pair shows already
    for source in params["sources"].values():
        source["collect"]["rows"] = 700
        source["validate"]["rows"] = {"low": 300}
        source["validate"]["rating_divergence"] = 0.5
        source["validate"]["rating_share"] = {5: {"low": 0.3}}
    tiny = {"vocabulary": 600, "width": 32, "layers": 1, "heads": 2, "epochs": 1, "batch": 32, "lr": 1.0e-3}
    params["bases"] = {
        "tiny-t5": tiny | {"corpus": "places", "family": "seq2seq"},
        "tiny-llama": tiny | {"corpus": "places", "family": "causal"},
        "tiny-bert": tiny | {"corpus": "films", "family": "encoder"},
    }
    params["pretrained"] = {}
    params["judges"] = {
        "places": {"base": "bases/tiny-t5", "rows": 300},
        "films": {"base": "bases/tiny-bert", "rows": 300},
    }
    params["recipes"] = {
        f"{family}-{kind}": {
            "task": task,
            "rows": {"from": source, "limit": {"train": 64, "validation": 16, "test": 20}},
            "model": {"family": family, "base": base, "prompt_tokens": 96, "target_tokens": 96, "truncated_share": 1.0},
            "method": method | ({"targets": targets} if kind == "lora" else {}),
            "predict": {"batch": 64},
        }
        for family, (task, source, base, targets) in FAMILIES.items()
        for kind, method in METHODS.items()
    }
    release = {
        "repo": "mill/seq2seq-full",
        "task": "review_generation",
        "source": "places",
        "base": "bases/tiny-t5",
        "license": "apache-2.0",
    }
    bars = {"bar": {"keyword_recall": 0.0}, "bar_by_rating": {"keyword_recall": 0.0}}
    params["publish"] = {"seq2seq-full": release | bars}
    return params


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the tracked tree with small settings, as a DVC project of its own."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("stages", "dvc.yaml", ".dvcignore", "requirements.lock", "data/reports/accepted"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    (folder / "params.yaml").write_text(yaml.safe_dump(small_params(), allow_unicode=True), "utf-8")
    dvc(folder, "init", "--no-scm", "-q")
    return folder


def dvc(folder: Path, *words: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1", "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"}
    done = subprocess.run(["dvc", *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def ran(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


@pytest.mark.slow
def test_the_dag_runs_and_reruns_only_what_changed(project):
    first = ran(dvc(project, "repro"))
    every = set(yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"])
    assert {stage.partition("@")[0] for stage in first} == every - {"fetch"}  # nothing here comes from elsewhere

    comparison = json.loads((project / "data/reports/comparison.json").read_text("utf-8"))
    recipes = {recipe["recipe"]: recipe for recipe in comparison["recipes"]}
    assert set(recipes) == {f"{family}-{kind}" for family in FAMILIES for kind in METHODS}
    for name, recipe in recipes.items():
        assert recipe["rows"] == {"train": 64, "validation": 16, "test": 20}
        assert recipe["metrics"].keys() == recipe["base"].keys() and recipe["baselines"] and recipe["slices"]["rating"]
        for metric in recipe["metrics"].values():
            assert metric["low"] <= metric["value"] <= metric["high"]
        files = {path.name for path in (project / "data/models" / name).iterdir()}
        weights = "adapter_model.safetensors" if name.endswith("lora") else "model.safetensors"
        assert weights in files and not {file for file in files if file.endswith((".bin", ".pt", ".pkl", ".md"))}
    assert recipes["seq2seq-lora"]["trainable_parameters"] < recipes["seq2seq-full"]["trainable_parameters"] / 10
    assert "<html" in (project / "data/reports/comparison.html").read_text("utf-8")
    assert (project / "data/published/seq2seq-full/README.md").is_file()
    assert (project / "data/shared/places/train.parquet").is_file()

    for source in ("places", "films"):
        account = json.loads((project / f"data/reports/clean/{source}.json").read_text("utf-8"))
        assert account["rows_in"] == 700 == account["rows_out"] + sum(account["rejected"].values())

    assert not ran(dvc(project, "repro"))

    params = yaml.safe_load((project / "params.yaml").read_text("utf-8"))
    params["recipes"]["encoder-full"]["predict"] = {"batch": 7}
    (project / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), "utf-8")
    # Another batch size changes the last bits at most: evaluate re-runs only if an answer's confidence moved.
    assert ran(dvc(project, "repro")) - {"evaluate@encoder-full"} <= {"predict@encoder-full", "compare@sample"}

    task = project / "stages/tasks/sentiment_label.py"
    task.write_text(task.read_text("utf-8").replace("version=1", "version=2"), "utf-8")
    assert all("encoder" in stage or "compare" in stage for stage in ran(dvc(project, "repro")))


@pytest.mark.slow
def test_a_refused_table_stops_everything_below_it(project, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, symlinks=True)
    params = yaml.safe_load((copy / "params.yaml").read_text("utf-8"))
    params["sources"]["places"]["validate"]["rating_share"] = {5: {"high": 0.1}}
    (copy / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), "utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["dvc", "repro"], cwd=copy, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "rating_share.5" in said and "sources.places.validate.rating_share.5" in said
    assert "Traceback" not in said
    assert not {stage for stage in ran(done.stdout) if stage.startswith(("enrich@places", "train@seq2seq"))}
    assert not (copy / "data/valid/places.parquet").exists()
