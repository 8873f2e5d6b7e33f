"""A training whose model is dealt out over two processes: the losses and the weights of two that each hold it whole."""

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
from stages.refusal import Refusal

ADAMW = {"optimizer": "adamw"}  # the mill's t5-full has Muon


def by_two(program: list[str], words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *program, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize(
    ("name", "by", "loss_rows", "block"),
    [
        ("t5-full", ADAMW | {"accumulate": 2}, 32, "FSDPT5Block"),
        ("t5-lora", {"tokens": 500, "packing": True, "checkpointing": True}, None, "FSDPT5Block"),
        ("bert-full", {"epochs": 4, "evaluations": 12, "patience": 2}, None, "FSDPBertLayer"),
    ],
)
def test_a_model_dealt_out_trains_as_one_held_whole(in_mill, write_settings, name, by, loss_rows, block):
    base, numerics = RECIPES[name]["model"]["base"], {"threads": 1, "matmul": "highest", "dtype": "float32"}
    for to, shard, program in (
        ("-whole", False, ["-m", "stages.train"]),
        ("-dealt", True, [str(ROOT / "tests/sharded_on_cpu.py")]),
    ):
        changed = recipe(name, method=by | {"batch": 6, "processes": 2, "shard": shard})
        write_settings(recipes={name: changed}, numerics=numerics | {"loss_rows": loss_rows})
        by_two(program, train_words(name, base, to=to))
    for rank in (0, 1):
        held = json.loads(Path(f"held-{rank}.json").read_text())
        assert held["weights"] == pytest.approx(0.5, abs=0.02) and held["moments"] == pytest.approx(0.5, abs=0.02)
        assert block in held["units"]  # gathered one at a time
    one, two = (json.loads(Path(f"data/reports/curves/{name}-{to}.json").read_text()) for to in ("whole", "dealt"))
    assert len(one) >= 4 and [point["step"] for point in one] == [point["step"] for point in two]
    for loss in ("train_loss", "validation_loss"):
        assert [point[loss] for point in two] == pytest.approx([point[loss] for point in one], rel=2e-6)
    whole, dealt = (in_mill / f"data/models/{name}-{to}" for to in ("whole", "dealt"))
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    assert sorted(files) == sorted(path.relative_to(dealt) for path in dealt.rglob("*") if path.is_file())
    for file in files:
        if file.suffix != ".safetensors":
            assert (dealt / file).read_bytes() == (whole / file).read_bytes()
            continue
        of_whole, of_dealt = load_file(whole / file), load_file(dealt / file)
        assert of_whole.keys() == of_dealt.keys()
        assert all(torch.allclose(of_whole[part], of_dealt[part], atol=1e-5) for part in of_whole)
    reports = [json.loads(Path(f"data/reports/train/{name}-{to}.json").read_text()) for to in ("whole", "dealt")]
    best, last = ({report[step] for report in reports} for step in ("best_step", "steps"))
    assert len(best) == len(last) == 1 and (min(best) < min(last) or name != "bert-full")
    assert json.loads(Path(f"data/reports/seconds/{name}-dealt.json").read_text())["device"] == "2 × cpu, 1 threads"


def test_a_machine_without_gpus_is_refused(in_mill, write_settings):
    write_settings(recipes={"t5-lora": recipe("t5-lora", method={"processes": 2, "shard": True})})
    with pytest.raises(Refusal) as refused:
        train.main(*train_words("t5-lora", RECIPES["t5-lora"]["model"]["base"], to="-dealt"))
    assert (refused.value.found, refused.value.where) == ("no GPU", "params.yaml: recipes.t5-lora.method.shard")
    assert not Path("data/models/t5-lora-dealt").exists()
