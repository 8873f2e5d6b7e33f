"""Checkpoints that a killed training goes on from, to the bytes it would have ended with had nobody killed it.

    <scratch>/<what decides the training>/checkpoint-<step>/   Trainer's files, ORDER, and a seal over them all

The folder's name is a hash, so a training never goes on from another one's checkpoint: not with other rows, another
setting or other code.
"""

import hashlib
import json
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path

import datasets
import pyarrow as pa
import torch
from transformers import PreTrainedModel, TrainerCallback

from stages import seal
from stages.files import read_json, write_json
from stages.numerics import device_name

ORDER = "order.json"
STATE = "trainer_state.json"  # Trainer's own
PACKAGES = ("torch", "transformers", "accelerate", "peft", "numpy")


class Checkpoints(TrainerCallback):
    """Seals what Trainer saves, and adds what it leaves out: whence the order of an epoch's rows was drawn, how a
    collator that draws stood, and the seconds that the training had taken.

    Trainer's own numbers are right only from the step on; the order within an epoch was drawn at its beginning.
    resumes: False for one of several processes, which between them have more such states than are sealed here; then
    nothing is looked for and nothing sealed.
    """

    def __init__(self, scratch: Path, key: str, collator: object, resumes: bool = True):
        self.folder, self.collator, self.resumes = scratch / key, collator, resumes
        self.begun, self.start, self.epoch = 0.0, time.monotonic(), None
        self.last = self.ended = self.planned = None
        if not resumes:
            return
        for other in scratch.glob("*"):
            if other != self.folder:
                shutil.rmtree(other)  # of another training: this one's outputs will take the place of that one's
        usable = [one for one in _by_step(self.folder) if _usable(one)]
        kept = {usable[0].name, _best(usable[0])} if usable else set()
        for one in _by_step(self.folder):
            if one.name not in kept:
                shutil.rmtree(one)
        if usable:
            self.last, self.order = usable[0], read_json(usable[0] / ORDER)
            state = read_json(self.last / STATE)
            self.ended = state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"]
            self.begun, self.planned = self.order["seconds"], state["max_steps"]
            print(f"going on from step {state['global_step']} of {self.planned}, {self.begun:.0f} s in")

    @property
    def seconds(self) -> float:
        """How long this training has taken so far, without what was lost to a kill."""
        return self.begun + time.monotonic() - self.start

    def on_epoch_begin(self, args, state, control, **more):
        if self.last and self.epoch is None:
            torch.set_rng_state(torch.tensor(list(bytes.fromhex(self.order["epoch"])), dtype=torch.uint8))
            if self.order["collator"] is not None:
                self.collator.restore(self.order["collator"])
        self.epoch = _drawn()

    def on_save(self, args, state, control, **more):
        if not self.resumes:
            return
        folder = self.folder / f"checkpoint-{state.global_step}"
        over = float(state.epoch).is_integer()  # then the next epoch begins here, and no batch was fetched ahead
        drawing = hasattr(self.collator, "state")
        order = {
            "epoch": _drawn() if over else self.epoch,
            "collator": self.collator.state(ahead=0 if over else 1) if drawing else None,
            "seconds": self.seconds,
        }
        write_json(folder / ORDER, order)
        seal.seal(folder)
        best = Path(state.best_model_checkpoint or folder).name
        for other in _by_step(self.folder):
            if other.name not in (folder.name, best):
                shutil.rmtree(other)  # only now: at every moment there is one to go on from


def key(model: PreTrainedModel, rows: list[datasets.Dataset], settings: object) -> str:
    """A hash of all that decides a training: weights, rows, settings, code, packages and the device."""
    digest = hashlib.sha256()
    for name, weight in model.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy())
    for one in rows:
        with pa.PythonFile(_Into(digest), "w") as sink, pa.ipc.new_stream(sink, one.data.schema) as stream:
            stream.write_table(one.with_format("arrow")[:])
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "stages")
    for file in filter(None, (getattr(sys.modules[name], "__file__", None) for name in ours)):
        digest.update(Path(file).read_bytes())
    known = [settings, str(model), device_name(), *(f"{name} {version(name)}" for name in PACKAGES)]
    digest.update(json.dumps(known, sort_keys=True).encode())
    return digest.hexdigest()[:16]


class _Into:
    """A hash as a file to write to."""

    closed = False

    def __init__(self, digest):
        self.digest = digest

    def write(self, data) -> int:
        self.digest.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def _drawn() -> str:
    """Where torch's random numbers stand."""
    return bytes(torch.get_rng_state().tolist()).hex()


def _by_step(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, the newest first."""
    return sorted(folder.glob("checkpoint-*"), key=lambda one: -int(one.name.rpartition("-")[2]))


def _usable(one: Path) -> bool:
    """Is it whole, and so is the best one until then, whose weights may be wanted in the end?"""
    return seal.whole(one) and seal.whole(one.parent / _best(one))


def _best(one: Path) -> str:
    return Path(read_json(one / STATE)["best_model_checkpoint"] or one).name
