"""What is watched while a training runs: real tokens, seconds, memory, validation losses, operators."""

import re
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import PreTrainedModel, TrainerCallback

WARM = 2  # first steps, not counted: memory is taken and kernels are chosen in them
POINTS = 20  # validation losses of a course


def moment() -> float:
    """Seconds on a clock, when all that was asked of the GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def peak() -> float:
    """The most memory this process has held, MiB: of the GPU where there is one, else of the machine.

    VmHWM and not ru_maxrss, which a new process inherits from the one that started it.
    """
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 2**10


@contextmanager
def as_defined(model: torch.nn.Module):
    """All modules with the `forward` of their class: Trainer wraps the model's in autocast, and a loss in chunks takes
    the head's away."""
    held = [(module, vars(module).pop("forward")) for module in model.modules() if "forward" in vars(module)]
    try:
        yield
    finally:
        for module, forward in held:
            module.forward = forward


class Counted:
    """A collator that notes of each batch it makes: tokens of the input, tokens of the target, examples, places.

    Padding is in the places alone. An example is known by its closing token, so that packed ones count as well.
    """

    def __init__(self, collator: Callable, pad: int, end: int, family: str):
        self.collator, self.pad, self.end, self.family, self.made = collator, pad, end, family, []

    def __call__(self, rows: list) -> dict:
        batch = self.collator(rows)
        ids, labels = batch["input_ids"], batch["labels"]
        if self.family == "encoder":
            targets, examples, places = 0, labels.ne(-100).sum().item(), ids.numel()
        else:
            targets, examples = labels.ne(-100).sum().item(), labels.eq(self.end).sum().item()
            places = ids.numel() + (labels.numel() if self.family == "seq2seq" else 0)
        self.made.append((ids.ne(self.pad).sum().item(), targets, examples, places))
        return batch

    def tokens(self, first: int, last: int) -> int:
        """Real tokens of these steps; a decoder's input holds the target already."""
        made = self.made[first:last]
        return sum(one[0] for one in made) + (sum(one[1] for one in made) if self.family == "seq2seq" else 0)


class Clock(TrainerCallback):
    """Ends a training when so many seconds were measured: at the next step, or `whole`, at the next end of an epoch.

    Batches by length come in no even order within an epoch, so that only whole ones are like the data.
    """

    def __init__(self, seconds: float, whole: bool):
        self.seconds, self.whole, self.first, self.last, self.step = seconds, whole, 0.0, 0.0, 0

    def on_step_end(self, args, state, control, **more):
        self.step = state.global_step
        if self.step == WARM:
            self.first = moment()
        if not self.whole:
            self._end(control)

    def on_epoch_end(self, args, state, control, **more):
        self._end(control)

    def _end(self, control) -> None:
        if self.step > WARM and time.perf_counter() - self.first >= self.seconds:
            self.last, control.should_training_stop = moment(), True


class Course(TrainerCallback):
    """Validation losses over a training: (seconds of training alone, real tokens seen, nats per target token)."""

    def __init__(self, seconds: float, counted: Counted, evaluate: Callable[[PreTrainedModel], float]):
        self.seconds, self.counted, self.evaluate, self.points = seconds, counted, evaluate, []
        self.trained, self.resumed = 0.0, 0.0

    def on_train_begin(self, args, state, control, model, **more):
        self._point(0, model)

    def on_step_end(self, args, state, control, model, **more):
        trained = self.trained + moment() - self.resumed
        if trained >= self.seconds * len(self.points) / POINTS:
            self.trained = trained
            self._point(state.global_step, model)
            control.should_training_stop = trained >= self.seconds

    def _point(self, step: int, model: PreTrainedModel) -> None:
        told = self.evaluate(model)
        self.points.append((round(self.trained, 3), self.counted.tokens(0, step), round(told, 5)))
        self.resumed = moment()


class Profile(TrainerCallback):
    """Records which operators so many steps spend their time in."""

    def __init__(self, steps: int):
        kinds = [torch.profiler.ProfilerActivity.CPU]
        if torch.cuda.is_available():
            kinds.append(torch.profiler.ProfilerActivity.CUDA)
        self.steps, self.profiler = steps, torch.profiler.profile(activities=kinds)

    def on_step_end(self, args, state, control, **more):
        if state.global_step == WARM:
            self.profiler.__enter__()
        elif state.global_step == WARM + self.steps:
            self.profiler.__exit__(None, None, None)
            control.should_training_stop = True

    def shares(self, most: int = 20) -> dict[str, float]:
        """Operator → its own share of the time of all operators; the costliest first."""
        gpu = torch.cuda.is_available()
        took = {e.key: e.self_device_time_total if gpu else e.self_cpu_time_total for e in self.profiler.key_averages()}
        total = sum(took.values())
        best = sorted(took, key=took.get, reverse=True)[:most]
        return {name: round(took[name] / total, 4) for name in best}
