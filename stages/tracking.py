"""Experiment trackers that a training may be reported to beside DVCLive, each by transformers' own callback.

    .tracking/mlflow.db             SQLite, unless MLFLOW_TRACKING_URI names another store
    .tracking/wandb/                runs kept offline, unless WANDB_MODE says otherwise
    .tracking/tensorboard/<run>/
    .tracking/trackio/

None of it is an output of a stage: which trackers are told changes no byte of a model, and DVC watches none of it.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from transformers import TrainerCallback, TrainingArguments

from stages.refusal import Refusal

FOLDER = Path(".tracking")
STORE = FOLDER / "mlflow.db"
PROJECT = "reviewmill"
OFF = {  # no tracker phones home, whatever its own default is
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_DISABLE_GIT": "true",  # else the difference from HEAD is kept with each run
    "WANDB_CONSOLE": "off",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
# What a run of the pipeline rewrites in git by itself: no sign of code or settings that no commit has.
WRITTEN = ("data", "dvc.lock", "manifest.json")


def check(trackers: tuple[str, ...]) -> None:
    """Refuse trackers whose packages are not installed; each package is called as its tracker."""
    if absent := [name for name in trackers if find_spec(name) is None]:
        do = f"`python -m pip install {' '.join(absent)}`, or take them out of the list"
        raise Refusal("trackers that are installed", f"no {', '.join(absent)}", "params.yaml: tracking", do)


def run_name(recipe: str) -> str:
    """`<recipe>@<12 digits of the commit>`, with `-dirty` behind it where code or settings are not as committed."""
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    if not head:
        return f"{recipe}@uncommitted"
    changed = _git("--no-optional-locks", "status", "--porcelain", "--", ".", *(f":!{path}" for path in WRITTEN))
    return f"{recipe}@{head[:12]}{'-dirty' if changed else ''}"


def environment(run: str, given: dict[str, str]) -> dict[str, str]:
    """The variables that tell the callbacks of `run` where to report; what is `given` wins, save over OFF."""
    own = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{STORE.absolute()}",
        "MLFLOW_EXPERIMENT_NAME": PROJECT,
        "WANDB_MODE": "offline",
        "WANDB_PROJECT": PROJECT,
        "WANDB_DIR": str(FOLDER.absolute()),
        "TENSORBOARD_LOGGING_DIR": str(FOLDER / "tensorboard"),
        "TRACKIO_DIR": str(FOLDER.absolute() / "trackio"),
    }
    told = {name: given.get(name) or value for name, value in own.items()}
    told["TENSORBOARD_LOGGING_DIR"] += f"/{run}"
    recipe, _, commit = run.rpartition("@")
    # MLflow's tags. It would keep git's address of the remote, in which a key may stand.
    tags = {"recipe": recipe, "commit": commit, "mlflow.source.git.repoURL": ""}
    return told | OFF | {"MLFLOW_RUN_CONTEXT": json.dumps(tags)}


@contextmanager
def reporting(trackers: tuple[str, ...], run: str) -> Iterator[None]:
    """The environment in which the callbacks work, put back in the end. What they leave open is ended: as failed, where
    the training did.
    """
    if not trackers:
        yield
        return
    FOLDER.mkdir(exist_ok=True)
    told = environment(run, dict(os.environ))
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    failed = True
    try:
        if "mlflow" in trackers and told["MLFLOW_TRACKING_URI"] == f"sqlite:///{STORE.absolute()}":
            _store_at(STORE.absolute())
        yield
        failed = False
    finally:
        if "mlflow" in trackers:
            import mlflow

            if mlflow.active_run():
                mlflow.end_run("FAILED")
        if "wandb" in trackers:
            import wandb

            wandb.finish(exit_code=int(failed))
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _store_at(path: Path) -> None:
    """An empty MLflow store, there whole or not at all: of two trainings that make the tables of one file at once both
    fail, and so does every later one.
    """
    import mlflow

    if path.exists():
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    beside.unlink(missing_ok=True)
    mlflow.MlflowClient(f"sqlite:///{beside}").create_experiment(PROJECT, str(path.with_name("artifacts")))
    with suppress(FileExistsError):  # another training was quicker
        os.link(beside, path)
    beside.unlink()


def callbacks(live: Path) -> tuple[TrainerCallback, ...]:
    """What is told beside the trackers: DVCLive, under `live`."""
    from dvclive import Live
    from transformers.integrations import DVCLiveCallback

    return DVCLiveCallback(live=Live(str(live), save_dvc_exp=False, dvcyaml=None)), SameRun()


class SameRun(TrainerCallback):
    """Lets a training that goes on from a checkpoint go on in its MLflow run too, found by the tag `training`.

    What the callback hands to MLflow is written by a thread; here it is waited for, before there is a checkpoint.
    """

    def on_init_end(self, args: TrainingArguments, state, control, **more):
        if "mlflow" not in args.report_to:
            return
        import mlflow

        folder = Path(args.output_dir)  # its name is a hash of all that decides the training
        tags = json.loads(os.environ["MLFLOW_RUN_CONTEXT"]) | {"training": folder.name}
        os.environ["MLFLOW_RUN_CONTEXT"] = json.dumps(tags)
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(os.environ["MLFLOW_EXPERIMENT_NAME"])
        if experiment and any(folder.glob("checkpoint-*")):
            by = f"tags.training = '{folder.name}'"
            for one in client.search_runs([experiment.experiment_id], by, max_results=1):  # the latest comes first
                os.environ["MLFLOW_RUN_ID"] = one.info.run_id

    def on_log(self, args: TrainingArguments, state, control, **more):
        if "mlflow" in args.report_to:
            import mlflow

            mlflow.flush_async_logging()


def _git(*words: str) -> str | None:
    """What git says; None where there is no git, no repository or no answer."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
