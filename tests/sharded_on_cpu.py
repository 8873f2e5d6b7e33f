"""stages.train with a model dealt out over CPUs: run by torchrun for tests/test_sharding.py.

Accelerate deals a model out over GPUs alone, by a list of their kinds in AcceleratorState; it and torch do the rest on
gloo as well. So the CPUs are said to be GPUs, and each process writes what it held after its first step.
"""

import json
import os
from pathlib import Path

from accelerate.state import DistributedType, PartialState
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from stages import processes, train
from stages.refusal import run

begin, fit = PartialState.__init__, train.fit


def as_of_gpus(self, *given, **more):
    begin(self, *given, **more)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_GPU


class Held(TrainerCallback):
    def on_step_end(self, args, state, control, model, optimizer, **more):
        if state.global_step == 1:
            moments = [one for of in optimizer.state.values() for one in of.values() if one.ndim]
            units = sorted({type(one).__name__ for one in model.modules() if isinstance(one, FSDPModule)})
            told = {"weights": share(model.parameters()), "moments": share(moments), "units": units}
            Path(f"held-{os.environ['RANK']}.json").write_text(json.dumps(told))


def share(tensors) -> float:
    tensors = list(tensors)
    mine = sum((one.to_local() if isinstance(one, DTensor) else one).numel() for one in tensors)
    return mine / sum(one.numel() for one in tensors)


if __name__ == "__main__":
    PartialState.__init__ = as_of_gpus
    processes.shardable = lambda where: None
    train.fit = lambda *given, callbacks, **more: fit(*given, callbacks=(*callbacks, Held()), **more)
    run(train.main)
