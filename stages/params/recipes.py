"""A recipe: a name and four words."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from stages.params.rows import Rows
from stages.params.strict import Name, Share, Strict


class Model(Strict):
    family: Literal["seq2seq", "causal", "encoder"]
    base: str = Field(
        pattern=r"^(bases|models)/[A-Za-z0-9_-]+$",
        description="bases/<name>, or models/<recipe> to start from a model trained in full",
    )
    prompt_tokens: PositiveInt = Field(description="longest input, tokens")
    target_tokens: PositiveInt = Field(description="longest target, tokens (an encoder writes none)")
    truncated_share: Share = Field(0.05, description="highest share of rows cut at those limits")
    cut: Literal["end", "middle"] = Field("end", description="what of an input too long is left out")
    head: Literal["labels", "number"] = Field(
        "labels", description="what an encoder gives: one of the task's labels, or a number (a regressor)"
    )
    pair: bool = Field(
        False, description="an encoder reads the prompt's last field as a second segment (a cross-encoder)"
    )

    @pydantic.model_validator(mode="after")
    def _the_family_has_such_a_head(self) -> "Model":
        if self.family != "encoder" and (self.head != "labels" or self.pair):
            raise ValueError(f"head: number and pair: true are an encoder's; {self.family} writes its answer")
        return self


class Optimisation(Strict):
    epochs: PositiveFloat
    lr: PositiveFloat = Field(description="peak learning rate of AdamW")
    optimizer: Literal["adamw", "muon"] = Field("adamw", description="muon moves the matrices, AdamW the rest")
    matrix_lr: PositiveFloat = Field(0.02, description="peak learning rate of Muon")
    batch: PositiveInt = Field(description="rows per step, where tokens is null")
    tokens: PositiveInt | None = Field(
        None, description="most positions of a batch, padding included, inputs and targets together; batch is not read"
    )
    packing: bool = Field(
        False, description="rows stand end to end in a sequence, blind to each other (stages.models.packing); by tokens"
    )
    accumulate: PositiveInt = Field(1, description="steps whose gradients are summed before an update")
    checkpointing: bool = Field(
        False,
        description="keep few activations and compute the rest again (gradient checkpointing): less memory, slower",
    )
    warmup: Share = Field(0.06, description="share of steps with a rising learning rate")
    weight_decay: float = Field(0.0, ge=0)
    evaluations: PositiveInt = Field(4, description="validation losses taken over the run")
    patience: PositiveInt = Field(3, description="validation losses without a new best before stopping")
    seed: int | None = Field(
        None,
        description="of the training alone: a new head, the order of rows, dropout; null: the global one",
    )
    processes: PositiveInt = Field(1, description="processes that share each batch, a GPU each where there are some")
    shard: bool = Field(
        False,
        description="each process holds its share of weights, gradients and optimizer's state (FSDP), for a base that "
        "does not fit a GPU; GPUs only",
    )

    @pydantic.model_validator(mode="after")
    def _batches_can_be_made(self) -> "Optimisation":
        if self.packing and self.tokens is None:
            raise ValueError("packing fills a budget of tokens; give tokens, or leave packing out")
        if self.tokens is None and self.batch % self.processes:
            raise ValueError(f"batch {self.batch} cannot be shared by {self.processes} processes; choose a multiple")
        return self

    @pydantic.model_validator(mode="after")
    def _can_be_dealt_out(self) -> "Optimisation":
        if self.shard and self.processes == 1:
            raise ValueError("shard deals a model out over processes; give more than 1, or leave shard out")
        if self.shard and self.optimizer == "muon":
            raise ValueError("with shard Trainer makes the optimizer, and knows no Muon; set adamw, or leave shard out")
        return self


class Full(Optimisation):
    kind: Literal["full"]


class Lora(Optimisation):
    kind: Literal["lora"]
    rank: PositiveInt
    alpha: PositiveFloat
    dropout: Share = 0.0
    targets: tuple[str, ...] = Field(min_length=1, description="modules that get an adapter, by the end of their name")
    dora: bool = Field(False, description="learn a weight's length apart from its direction (DoRA)")
    rslora: bool = Field(False, description="scale by alpha / √rank in place of alpha / rank (rsLoRA)")
    init: Literal["zero", "gaussian", "pissa", "olora"] = Field(
        "zero", description="first weights; pissa and olora take the base's own main directions and leave it the rest"
    )
    merge: bool = Field(False, description="also save the merged model, under merged/")

    @pydantic.model_validator(mode="after")
    def _can_be_saved(self) -> "Lora":
        if self.dora and self.init in ("pissa", "olora"):
            raise ValueError(
                f"init {self.init} moves the base's weights, which DoRA's lengths forbid; drop one of them"
            )
        return self


class Peft(Optimisation):
    """Any further method of PEFT that learns beside the modules of the base and can be merged into them (IA3, LoHa)."""

    kind: Literal["peft"]
    type: str = Field(description="PEFT's name of the method: IA3, LOHA, OFT, …")
    config: dict[str, pydantic.JsonValue] = Field(description="its settings, in the words of PEFT's own config class")
    merge: bool = Field(False, description="also save the merged model, under merged/")


class Predict(Strict):
    batch: PositiveInt = Field(64, description="rows answered at a time, those of about one length together")
    tokens: PositiveInt | None = Field(
        None, description="that such a batch reads at most, padding included; null: `batch` rows however long they are"
    )
    engine: Literal["transformers", "ctranslate2"] = Field(
        "transformers",
        description="ctranslate2: quicker on a CPU; what it draws is repeatable for a table, not a row's own",
    )
    compute_type: Literal["float32", "int8"] = Field(
        "float32", description="of ctranslate2; int8 is quicker, not exact"
    )
    sample: bool = Field(False, description="draw tokens instead of taking the likeliest")
    temperature: PositiveFloat = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="below 1 sorts the vocabulary at each token")
    top_k: int = Field(0, ge=0, description="draw among so many of the likeliest tokens; 0: among all")
    repetition_penalty: PositiveFloat = 1.0
    no_repeat: int = Field(0, ge=0, description="no run of so many tokens is written twice in a text; 0: they may be")
    constrain: Literal["free", "quoted", "none"] = Field(
        "free", description="a summary's form: held, held with texts quoted from the reviews, or left to the model"
    )
    chunk: PositiveInt = Field(512, description="tokens of a chunk where a summary is made chunk by chunk, as baseline")
    candidates: PositiveInt = Field(
        1, description="above 1: each sentence is drawn so often, and the task's own rule keeps one"
    )
    forced: bool = Field(False, description="with candidates: begin sentences with unsaid keywords as well")

    @pydantic.model_validator(mode="after")
    def _candidates_differ(self) -> "Predict":
        if self.candidates > 1 and not self.sample:
            raise ValueError("candidates differ only when tokens are drawn; set sample: true")
        if self.forced and self.candidates == 1:
            raise ValueError("forced sentences are chosen among candidates; set candidates above 1, or drop forced")
        return self

    @pydantic.model_validator(mode="after")
    def _the_engine_can(self) -> "Predict":
        if self.engine == "ctranslate2" and self.candidates > 1:
            raise ValueError("candidates are weighed in transformers; set engine: transformers, or candidates: 1")
        if self.engine == "transformers" and self.compute_type != "float32":
            raise ValueError(f"compute_type {self.compute_type} is ctranslate2's; set engine: ctranslate2, or drop it")
        return self

    @property
    def generation(self) -> dict[str, bool | int | float]:
        """These settings in the words of transformers' `generate`. It draws nothing: stages.models.draws does."""
        return {
            "do_sample": False,
            "repetition_penalty": self.repetition_penalty,
            "no_repeat_ngram_size": self.no_repeat,
        }


class Recipe(Strict):
    task: Name
    rows: Rows
    model: Model
    method: Annotated[Full | Lora | Peft, Field(discriminator="kind")]
    predict: Predict  # no default: DVC watches this section, and finds no stage without it
    replicates: Name | None = Field(None, description="the recipe whose spread it shows: the same with another seed")

    @pydantic.model_validator(mode="after")
    def _composes(self) -> "Recipe":
        if self.predict.candidates > 1 and self.model.family != "seq2seq":
            raise ValueError(f"predict.candidates above 1 needs family seq2seq, not {self.model.family}; set it to 1")
        if self.method.packing and self.model.family == "encoder":
            raise ValueError("an encoder answers from the first token of a sequence; leave method.packing out")
        return self

    @pydantic.model_validator(mode="after")
    def _the_engine_writes_it(self) -> "Recipe":
        if self.predict.engine == "ctranslate2":
            hindrances = {
                "does not choose labels, as family encoder does": self.model.family == "encoder",
                "knows no form of a summary; write constrain: none": bool(self.rows.gather)
                and self.predict.constrain != "none",
                "counts no token of the prompt as said, which repetition_penalty does for family causal":
                    self.model.family == "causal" and self.predict.repetition_penalty != 1,
            }  # fmt: skip
            for why in (why for why, is_so in hindrances.items() if is_so):
                raise ValueError(f"predict.engine ctranslate2 {why}; or set it to transformers")
        return self
