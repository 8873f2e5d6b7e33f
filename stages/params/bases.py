"""The models that recipes start from."""

from typing import Literal

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from stages.params.strict import Name, Strict


class Base(Strict):
    """A small base built here from a source's training rows."""

    corpus: Name = Field(description="the source whose training rows it reads")
    family: Literal["seq2seq", "causal", "encoder"]
    vocabulary: PositiveInt = Field(description="subword pieces of its unigram tokenizer")
    symbols: tuple[str, ...] = Field((), description="words kept as one piece each: those of the prompts it will read")
    width: PositiveInt = Field(description="hidden size; feed-forward is twice that")
    layers: PositiveInt = Field(description="encoder layers; a seq2seq has as many in its decoder")
    heads: PositiveInt
    max_tokens: PositiveInt = Field(128, description="longest text read, tokens")
    rows: PositiveInt | None = Field(None, description="most training rows to read; null: all")
    objective: Literal["denoising", "keywords"] = Field(
        "denoising", description="restore hidden tokens, or (seq2seq) write sentences from what they speak of"
    )
    epochs: PositiveFloat = Field(description="passes over the texts")
    batch: PositiveInt = Field(description="texts per step, where tokens is null")
    tokens: PositiveInt | None = Field(
        None, description="most positions of a batch, padding included, inputs and targets together; batch is not read"
    )
    lr: PositiveFloat = Field(description="peak learning rate of AdamW")
    optimizer: Literal["adamw", "muon"] = Field("adamw", description="muon moves the matrices, AdamW the rest")
    matrix_lr: PositiveFloat = Field(0.02, description="peak learning rate of Muon")

    @pydantic.model_validator(mode="after")
    def _can_write(self) -> "Base":
        if self.objective == "keywords" and self.family != "seq2seq":
            raise ValueError("objective keywords is to write, which an encoder cannot; use denoising")
        return self


class HubBase(Strict):
    kind: Literal["hub"]
    repo: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="the commit; a branch or tag could move")


class FolderBase(Strict):
    kind: Literal["folder"]
    path: str


class PackageBase(Strict):
    kind: Literal["package"]
    package: str = Field(description="an installed Python package that carries the model")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of its model.safetensors")
