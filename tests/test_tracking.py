"""Trackers: a training told to real stores, with the bytes of one that tells nobody; what is absent is refused."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_mill import ROOT, recipe, train_words

from stages import tracking, train
from stages.refusal import Refusal

NAME = "bert-lora"
CANARIES = {"HF_TOKEN": "hf_canary7c21", "WANDB_API_KEY": "c0ffee" * 6 + "7c21", "MLFLOW_TRACKING_TOKEN": "mlf_canary7"}


@pytest.fixture
def told(in_mill, write_settings, monkeypatch):
    """Train a recipe of the mill and tell `trackers`, with keys in the environment that nobody asked for.

    script: Python to run before it, in a process of its own, which ends with `rc`.
    """
    for name, value in (dict.fromkeys(tracking.environment("", {}), "") | CANARIES).items():
        monkeypatch.setenv(name, value)  # empty: as if it were not set

    def train_it(*trackers: str, script: str = "", rc: int = 0) -> None:
        # Dropout, so that a tracker which drew from torch's random numbers would be seen in the weights
        write_settings(tracking=list(trackers), recipes={NAME: recipe(NAME, method={"dropout": 0.1})})
        words = train_words(NAME, "bases/bert", to="-told" if trackers else "-untold")
        if not script:
            return train.main(*words)
        program = f"import sys; from stages import train; {script}; train.main(*sys.argv[1:])"
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"}
        done = subprocess.run([sys.executable, "-c", program, *words], env=environment, capture_output=True, text=True)
        assert done.returncode == rc, done.stderr[-3000:]

    return train_it


def kept() -> dict[Path, bytes]:
    """What lies in the trackers' folder."""
    return {path: path.read_bytes() for path in tracking.FOLDER.rglob("*") if path.is_file()}


def assert_the_bytes_are_equal() -> None:
    """Nothing that DVC keeps of the told training differs from the one that told nobody."""
    for folder, end in (
        ("models", "/adapter_model.safetensors"),
        ("reports/train", ".json"),
        ("reports/curves", ".json"),
    ):
        one, other = (Path(f"data/{folder}/{NAME}-{how}{end}") for how in ("told", "untold"))
        assert one.read_bytes() == other.read_bytes(), folder


def assert_no_canary() -> None:
    assert kept() and not {path for path, text in kept().items() for word in CANARIES.values() if word.encode() in text}


def committed(folder: Path) -> str:
    """The one commit of a repository made of `folder`."""
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "one", "--allow-empty")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def runs(in_mill):
    """The runs of the MLflow store that a training of this folder tells by default, and its client."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{in_mill}/.tracking/mlflow.db")

    def found() -> list:
        return client.search_runs([client.get_experiment_by_name("reviewmill").experiment_id])

    found.losses = lambda run: client.get_metric_history(run.info.run_id, "eval_loss")
    return found


def curve() -> list[dict]:
    return yaml.safe_load(Path(f"data/reports/curves/{NAME}-told.json").read_text())


@pytest.mark.slow
def test_mlflow_keeps_params_losses_and_the_commit_and_changes_no_byte(in_mill, told, runs):
    commit = committed(in_mill)
    told("mlflow")
    (run,) = runs()
    named = f"{commit[:12]}-dirty"  # params.yaml is written after the commit
    assert (run.info.run_name, run.info.status) == (f"{NAME}@{named}", "FINISHED")
    assert (run.data.tags["recipe"], run.data.tags["commit"]) == (NAME, named)
    assert run.data.tags["mlflow.source.git.repoURL"] == ""  # an address can hold a key
    assert run.data.params["learning_rate"] == "0.01" and run.data.params["num_train_epochs"] == "2.0"
    losses = [(one.step, round(one.value, 6)) for one in runs.losses(run)]
    assert losses == [(point["step"], point["validation_loss"]) for point in curve()]
    told()
    assert_the_bytes_are_equal()
    assert_no_canary()
    assert not Path("mlruns").exists() and not os.environ["MLFLOW_TRACKING_URI"]


@pytest.mark.slow
def test_a_killed_training_goes_on_in_its_run(told, runs):
    kill = (
        "import os; from stages.models.checkpoints import Checkpoints as C; save = C.on_save; "
        "C.on_save = lambda *a, **more: (save(*a, **more), os.kill(os.getpid(), 9))"
    )
    told("mlflow", script=kill, rc=-signal.SIGKILL)
    (left,) = runs()
    assert left.info.status == "RUNNING"
    told("mlflow", script="pass")
    (run,) = runs()
    assert (run.info.run_id, run.info.status) == (left.info.run_id, "FINISHED")
    assert [one.step for one in runs.losses(run)] == [point["step"] for point in curve()]
    told()
    assert_the_bytes_are_equal()
    told("mlflow")  # once more by intent, from its first step: a run of its own
    assert len(runs()) == 2


@pytest.mark.slow
def test_a_training_that_fails_is_a_failed_run(told, runs, monkeypatch):
    def full(*words, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stages.models.checkpoints.Checkpoints.on_save", full)
    with pytest.raises(OSError):
        told("mlflow")
    (run,) = runs()
    assert run.info.status == "FAILED"


def test_a_store_is_there_whole_or_not_at_all_and_the_quickers_stays(tmp_path, monkeypatch):
    import mlflow

    killed, late, alone = (tmp_path / name / "mlflow.db" for name in ("killed", "late", "alone"))
    for path in (killed, late, alone):  # MLflow remembers a store by its address
        path.parent.mkdir()

    def link(beside: Path, target: Path) -> None:
        if target == killed:
            raise KeyboardInterrupt
        target.write_bytes(b"theirs")
        raise FileExistsError

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", link)
        with pytest.raises(KeyboardInterrupt):
            tracking._store_at(killed)
        tracking._store_at(late)
    assert not killed.exists() and late.read_bytes() == b"theirs"
    tracking._store_at(alone)
    assert mlflow.MlflowClient(f"sqlite:///{alone}").get_experiment_by_name("reviewmill")
    assert [one.name for one in (*late.parent.iterdir(), *alone.parent.iterdir())] == ["mlflow.db"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("tracker", ["wandb", "tensorboard", "trackio"])
def test_the_others_keep_a_run_here_and_change_no_byte(told, tracker):
    if importlib.util.find_spec(tracker) is None:
        pytest.skip(f"{tracker} is not installed: it is no part of requirements.lock")
    told(tracker, script="pass")
    found = [path for path in kept() if path.is_relative_to(tracking.FOLDER / tracker)]
    assert any(b"loss" in path.read_bytes() for path in found)
    if tracker == "wandb":
        assert any(path.parent.name.startswith("offline-run-") for path in found)
    told()
    assert_the_bytes_are_equal()
    assert_no_canary()


def test_absent_trackers_are_refused_together_before_anything_is_read(tmp_path, write_settings, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("wandb", "trackio"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    write_settings(tracking=["mlflow", "wandb", "trackio"])
    with pytest.raises(Refusal) as refused:
        train.main(*train_words(NAME, "bases/bert"))
    assert (refused.value.found, refused.value.where) == ("no wandb, trackio", "params.yaml: tracking")
    assert "pip install wandb trackio" in refused.value.do
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_what_the_user_says_wins_save_over_telemetry():
    own = tracking.environment("a@b", {})
    assert own["MLFLOW_TRACKING_URI"].startswith("sqlite:////") and own["WANDB_MODE"] == "offline"
    said = {
        "MLFLOW_TRACKING_URI": "https://mlflow.example", "WANDB_MODE": "online", "TENSORBOARD_LOGGING_DIR": "/logs",
        "WANDB_ERROR_REPORTING": "true",
    }  # fmt: skip
    told = tracking.environment("a@b", said)
    assert told["MLFLOW_TRACKING_URI"] == "https://mlflow.example" and told["WANDB_MODE"] == "online"
    assert told["TENSORBOARD_LOGGING_DIR"] == "/logs/a@b" and told["WANDB_ERROR_REPORTING"] == "false"


def test_a_run_is_named_after_its_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert tracking.run_name("a") == "a@uncommitted"
    (tmp_path / "params.yaml").write_text("seed: 1")
    commit = committed(tmp_path)
    assert tracking.run_name("a") == f"a@{commit[:12]}"
    (tmp_path / "data").mkdir()
    for written in ("data/report.json", "dvc.lock"):  # what a run of the pipeline rewrites by itself
        (tmp_path / written).write_text("{}")
    assert tracking.run_name("a") == f"a@{commit[:12]}"
    (tmp_path / "params.yaml").write_text("seed: 2")
    assert tracking.run_name("a") == f"a@{commit[:12]}-dirty"


def test_no_stage_watches_the_trackers():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    assert not [name for name, of in stages.items() if "tracking" in str(of["do"].get("params", []))]
