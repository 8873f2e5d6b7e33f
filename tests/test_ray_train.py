"""A training whose processes Ray Train starts, as the README says: the losses and weights of one alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_mill import RECIPES, ROOT, recipe, train_words

from stages import train

NAME = "t5-lora"
STARTER = """
import os, sys
import ray
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer


def each(words):
    os.chdir(words["folder"])
    from stages import train

    train.main(*words["stage"])


ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=True)
TorchTrainer(
    each,
    train_loop_config={"folder": os.getcwd(), "stage": sys.argv[2:]},
    scaling_config=ScalingConfig(num_workers=2),
    run_config=RunConfig(storage_path=sys.argv[1]),
).fit()
"""


def test_two_workers_of_ray_train_what_one_process_does(in_mill, write_settings, tmp_path):
    base = RECIPES[NAME]["model"]["base"]
    write_settings(recipes={NAME: recipe(NAME, method={"batch": 6, "processes": 2})})
    done = subprocess.run(
        [sys.executable, "-c", STARTER, str(tmp_path / "ray"), *train_words(NAME, base, to="-shared")],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1", "RAY_TRAIN_V2_ENABLED": "1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    write_settings(recipes={NAME: recipe(NAME, method={"batch": 6})})
    train.main(*train_words(NAME, base, to="-alone"))
    one, two = (json.loads(Path(f"data/reports/curves/{NAME}-{to}.json").read_text()) for to in ("alone", "shared"))
    assert len(one) >= 4 and [point["step"] for point in one] == [point["step"] for point in two]
    for loss in ("train_loss", "validation_loss"):
        assert [point[loss] for point in two] == pytest.approx([point[loss] for point in one], rel=1e-5)
    alone, both = (load_file(f"data/models/{NAME}-{to}/adapter_model.safetensors") for to in ("alone", "shared"))
    assert all(torch.allclose(alone[part], both[part], atol=1e-3) for part in alone)
    seconds = json.loads(Path(f"data/reports/seconds/{NAME}-shared.json").read_text())
    assert seconds["device"] == "2 × cpu, 1 threads"
