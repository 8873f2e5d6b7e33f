"""A training shared by two CPU processes: the losses and weights of one; one voice; nothing left when killed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import datasets
import psutil
import pytest
import torch
from safetensors.torch import load_file
from small_mill import RECIPES, ROOT, recipe, train_words

from stages import processes, train
from stages.refusal import Refusal

# 77 rows in batches of 6 leave 5 in the last, 19 in batches of 12 leave 7: odd, so that no share of them is a half.
SHORT = {"train": 77, "validation": 19}
SHARED = {"batch": 6, "processes": 2}


@pytest.fixture
def command(in_mill, write_settings):
    """The command that trains a recipe of the mill by two processes; `method` changes its settings."""

    def make(name: str, **method) -> list[str]:
        write_settings(recipes={name: recipe(name, method=SHARED | method)})
        words = train_words(name, RECIPES[name]["model"]["base"], to="-shared")
        return [sys.executable, "-m", "stages.train", *words]

    return make


def start(command: list[str], **more) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"}
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        **more,
    )  # fmt: skip


def told(kind: str, name: str) -> dict | list:
    return json.loads(Path(f"data/reports/{kind}/{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("bert-pair", {"batch": 6}),
        ("t5-lora", {"batch": 6}),
        ("t5-lora", {"tokens": 500, "packing": True}),
        ("bert-pair", {"tokens": 700}),
    ],
)
def test_two_processes_train_what_one_does(in_mill, command, write_settings, name, by):
    tokens, short = in_mill / "data/tokens" / name, in_mill / "data/tokens/short"
    for split, rows in SHORT.items():
        datasets.load_from_disk(str(tokens / split)).select(range(rows)).save_to_disk(str(short / split))
    tokens.unlink()  # a link into the mill
    short.rename(tokens)
    shared = start(command(name, **by))
    out, err = shared.communicate(timeout=300)
    assert shared.returncode == 0, err
    write_settings(recipes={name: recipe(name, method=by)})
    train.main(*train_words(name, RECIPES[name]["model"]["base"], to="-alone"))
    one, two = told("curves", f"{name}-alone"), told("curves", f"{name}-shared")
    assert len(one) >= 4 and [point["step"] for point in one] == [point["step"] for point in two]
    for loss in ("train_loss", "validation_loss"):
        assert [point[loss] for point in two] == pytest.approx([point[loss] for point in one], rel=1e-5)
    reports = [told("train", f"{name}-{to}") for to in ("alone", "shared")]
    assert len({report["steps"] for report in reports}) == len({report["best_step"] for report in reports}) == 1
    weights = "adapter_model.safetensors" if "lora" in name else "model.safetensors"
    alone, both = (load_file(in_mill / f"data/models/{name}-{to}" / weights) for to in ("alone", "shared"))
    assert all(torch.allclose(alone[part], both[part], atol=1e-3) for part in alone)
    assert out.count(" steps in ") == 1 and not list(Path("data/models").glob(".*"))
    live = [(in_mill / f"data/live/{name}-{to}/plots/metrics/eval/loss.tsv").read_text() for to in ("alone", "shared")]
    assert len({text.count("\n") for text in live}) == 1  # a second process would have written over it
    seconds = [told("seconds", f"{name}-{to}") for to in ("alone", "shared")]
    assert [one["device"] for one in seconds] == ["cpu, 1 threads", "2 × cpu, 1 threads"]


def test_what_both_refuse_is_told_without_a_traceback(command):
    done = start(command("bert-lora", targets=["q"]))
    _, err = done.communicate(timeout=300)
    assert done.returncode == 1
    last = err[err.rindex("refused by ") :]
    assert last.splitlines()[0] == "refused by stages.train bert-lora" and "Traceback" not in err
    assert "   where params.yaml: recipes.bert-lora.method.targets\n" in last
    assert not Path("data/models/bert-lora-shared").exists()


def at_work(command: list[str]) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """The command once it has taken a validation loss, and the processes that it started."""
    stage = start(command)
    assert any("eval_loss" in line for line in stage.stdout), stage.communicate()[1]
    return stage, psutil.Process(stage.pid).children()


LONG = {"epochs": 3000, "evaluations": 1000, "patience": 1000}


def test_a_process_that_the_system_kills_ends_the_others_and_is_named(command):
    stage, started = at_work(command("bert-lora", **LONG))
    next(one for one in started if one.environ()["RANK"] == "1").kill()
    _, err = stage.communicate(timeout=120)
    assert stage.returncode == 1
    assert "   found process 1 ended by SIGKILL\n   where params.yaml: recipes.bert-lora.method.processes\n" in err
    assert not psutil.wait_procs(started, 30)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_the_group_leaves_none(command, number):
    """Though each has a session of its own, which the signal does not reach."""
    stage, started = at_work(command("bert-lora", **LONG))
    assert {os.getsid(one.pid) for one in started} == {one.pid for one in started}
    os.killpg(stage.pid, number)
    _, err = stage.communicate(timeout=120)
    assert stage.returncode == (128 + number if number == signal.SIGINT else -number)
    assert "Traceback" not in err
    assert not psutil.wait_procs(started, 30)[1]


def test_two_nodes_train_what_one_machine_does(in_mill, command, write_settings, tmp_path_factory):
    """As torchrun starts them on each, here with a folder of its own; the second writes nothing."""
    name, second = "bert-lora", tmp_path_factory.mktemp("second")
    _, _, *words = command(name, epochs=1)
    shutil.copytree(in_mill, second, symlinks=True, dirs_exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1",
                "--master-addr=127.0.0.1", f"--master-port={port}"]  # fmt: skip
    nodes = [start([*torchrun, f"--node-rank={rank}", "-m", *words], cwd=folder)
             for rank, folder in enumerate((in_mill, second))]  # fmt: skip
    told_by = [node.communicate(timeout=300) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], told_by
    assert [out.count(" steps in ") for out, _ in told_by] == [1, 0]
    assert not list((second / "data").glob("models/*-shared")) and not (second / "data/reports/train").exists()
    write_settings(recipes={name: recipe(name, method={"batch": 6, "epochs": 1})})
    train.main(*train_words(name, RECIPES[name]["model"]["base"], to="-alone"))
    one, two = told("curves", f"{name}-alone"), told("curves", f"{name}-shared")
    for loss in ("train_loss", "validation_loss"):
        assert [point[loss] for point in two] == pytest.approx([point[loss] for point in one], rel=1e-5)


def test_another_number_started_from_outside_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(Refusal) as refused:
        processes.started(2, "params.yaml: recipes.a.method.processes")
    assert (refused.value.found, refused.value.where) == (
        "4 started from outside", "params.yaml: recipes.a.method.processes",
    )  # fmt: skip


def test_one_whose_starter_has_gone_does_not_begin(command):
    with subprocess.Popen([sys.executable, "-c", "pass"]) as other:
        pass
    outside = {"RANK": "1", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "stage", processes.STARTER: str(other.pid)}
    done = subprocess.run(
        command("bert-lora"), env=os.environ | {"PYTHONPATH": str(ROOT)} | outside, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (128 + signal.SIGKILL, "")


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(Refusal) as refused:
        processes.start(3, 1, "stages.train", (), "params.yaml: recipes.a.method.processes")
    assert (refused.value.found, refused.value.where) == ("2", "params.yaml: recipes.a.method.processes")


def test_memory_is_of_all_processes_and_of_the_fullest_gpu():
    held = [{"peak_mib": 100.0, "peak_gpu_mib": 10.0}, {"peak_mib": 50.5, "peak_gpu_mib": 30.0}]
    assert train.memory(held) == {"peak_mib": 150.5, "peak_gpu_mib": 30.0}
    assert train.memory([{"peak_mib": 100.0, "peak_gpu_mib": None}]) == {"peak_mib": 100.0, "peak_gpu_mib": None}
