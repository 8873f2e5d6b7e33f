"""What the machine has, and how it is used."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from stages.params.strict import Name, Strict


class Numerics(Strict):
    threads: PositiveInt = Field(description="CPU threads: another number may change the last bits")
    matmul: Literal["highest", "high", "medium"] = Field(description="torch's float32 matmul precision")
    profile: Literal["native", "portable"] = Field(
        "native", description="portable: only kernels that every x86-64 CPU with AVX2 has, and no GPU; slower"
    )


class Slots(Strict):
    """What the machine has for stages that run at the same time."""

    cpu: PositiveInt = Field(2, description="cores")
    gpu: NonNegativeInt = Field(1, description="GPUs; a stage that declares none is given none of them")
    memory: NonNegativeInt = Field(16, description="GiB")


class Needs(Strict):
    """What a stage takes of the slots while it runs."""

    cpu: PositiveInt = Field(1, description="cores")
    gpu: NonNegativeInt = Field(0, description="GPUs")
    memory: NonNegativeInt = Field(0, description="GiB")


class Flow(Strict):
    """How flows/pipeline.py runs the graph. No stage reads it and DVC watches none of it."""

    runner: Literal["threads", "dask"] = Field(
        "threads", description="where nodes run: here, or on a Dask cluster (DASK_SCHEDULER_ADDRESS)"
    )
    slots: Slots = Slots()
    stages: dict[Name, Needs] = Field({}, description="a stage of dvc.yaml → its needs; one not named takes one cpu")
