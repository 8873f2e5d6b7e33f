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
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of training's products (autocast); auto: bfloat16 where GPU or CPU has it, else float32"
    )
    compile: bool = Field(False, description="training through torch.compile")
    attention: Literal["eager", "sdpa", "flex_attention", "flash_attention_2"] | None = Field(
        None, description="the kernel of attention in training; null: the family's own"
    )
    loss_rows: PositiveInt | None = Field(
        None, description="target tokens that meet the vocabulary at a time, so that its scores never stand whole"
    )
    fused: bool = Field(
        True, description="one kernel for each GELU, and for AdamW over all weights, where Muon is not asked for"
    )

    @property
    def training(self) -> dict[str, bool | int | str | None]:
        """What stages.models.fitting.fit is told of it."""
        return self.model_dump(include={"dtype", "compile", "attention", "loss_rows", "fused"})


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
