"""params.yaml as types: read once in `main`, refused whole when anything in it is wrong.

The classes mirror the file section for section. Unknown keys are refused; every mistake comes back in one message,
each with its address (`recipes.a.method.lora.rnk`), what was found, and what to write instead.
"""

import difflib
import types
import typing
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

from stages.refusal import Refusal

FILE = Path("params.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Stars = Annotated[int, Field(ge=1, le=5)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", description="no dots or @: DVC reads those as an address")]
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]  # ISO 639-1; lemmas in ru, en and ko
TextLanguage = Literal[  # those that stages.languages tells apart
    "ar", "be", "bg", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "hy", "id", "it", "ja",
    "ka", "kk", "ko", "mk", "mn", "nl", "pl", "pt", "ro", "ru", "sk", "sr", "sv", "tg", "th", "tr", "uk", "vi",
    "zh",
]  # fmt: skip


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- sources: where rows come from and what they must be ------------------------------------------------------------


class SampleSource(Strict):
    kind: Literal["sample"]
    corpus: Literal["places", "films", "answers"] = Field(description="which bundled synthetic corpus")
    rows: PositiveInt = Field(description="raw rows to generate, planted dirt included")
    per_subject: PositiveInt = Field(6, description="reviews of a place or film on average")


class Columns(Strict):
    """Our column ← the source's column. What the source lacks stays null, save `id` (the row number then)."""

    text: str
    rating: str
    id: str | None = None
    group: str | None = Field(None, description="what is reviewed: a place, a film; rows of one group share a split")
    rubrics: str | None = None
    split: str | None = Field(None, description="the source's own train / validation / test, where it has one")
    question: str | None = Field(
        None, description="what the text answers; equal answers to two questions are two texts"
    )
    guide: str | None = Field(None, description="the marking guide: what an answer to the question has to say")


BadShare = Annotated[
    float, Field(ge=0, le=1, description="highest share of rows that cannot be read; above it nothing is collected")
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileSource(Strict):
    kind: Literal["file"]
    path: str | tuple[str, ...] = Field(
        min_length=1, description="a file, a list of files or a glob: a local path, file://, https:// or s3://"
    )
    format: Literal["parquet", "csv", "tskv", "jsonl"] = Field(description="plain, or packed as gz, xz or zst")
    columns: Columns
    sha256: Sha256 | dict[str, Sha256] | None = Field(
        None, description="of the file as it lies; of several files a mapping, file: sha256; refused when it differs"
    )
    sample: PositiveInt | None = Field(None, description="rows to keep, chosen by a hash of id and seed; null: all")
    sample_by: Literal["id", "group"] = Field("id", description="group keeps whole groups, for what gathers them")
    bad_share: BadShare = 0.01


class HubSource(Strict):
    kind: Literal["hub"]
    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name of a dataset on the Hub")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="the commit; a branch or tag could move")
    config: str | None = None
    split: tuple[str, ...] = Field(min_length=1, description="splits to read, one after the other")
    columns: Columns
    sample: PositiveInt | None = Field(None, description="rows to keep, chosen by a hash of id and seed; null: all")
    sample_by: Literal["id", "group"] = Field("id", description="group keeps whole groups, for what gathers them")
    bad_share: BadShare = 0.01


class SqlSource(Strict):
    kind: Literal["sql"]
    env: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]*$", description="the environment variable that holds the SQLAlchemy address"
    )
    query: str = Field(min_length=1, description="one SELECT; name what it gives with AS")
    columns: Columns
    watermark: str | None = Field(
        None, description="a column of the query that grows: a new collect appends rows above the highest one seen"
    )
    chunk: PositiveInt = Field(10_000, description="rows held at a time")
    bad_share: BadShare = 0.01

    @pydantic.model_validator(mode="after")
    def _rows_can_be_known_again(self) -> "SqlSource":
        if self.watermark and not self.columns.id:
            raise ValueError("a watermark needs columns.id, by which a row at the mark is known again; add it")
        return self


class Values(Strict):
    """The source's own words for a rating or a split → ours. A word that is not named rejects its row by reason."""

    rating: dict[str, float] | None = Field(None, description="e.g. {correct: 1, contradictory: 0}, in rating_range")
    split: dict[str, Literal["train", "validation", "test"]] | None = Field(
        None, description="e.g. {training: train, unseen_answers: test}"
    )


class Split(Strict):
    validation: Share
    test: Share
    validation_of_train: bool = Field(
        False, description="for a source that splits its rows but keeps none for validation: the share `validation` of "
        "its training rows, by the same hash of the group, becomes validation"
    )  # fmt: skip

    @pydantic.model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> "Split":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing to train on; let them sum to less than 1")
        return self


class Clean(Strict):
    rating_range: tuple[float, float] = Field(description="lowest and highest rating the source can give, e.g. [1, 10]")
    min_chars: PositiveInt = Field(description="a shorter text is rejected as too_short; characters after cleaning")
    max_chars: PositiveInt = Field(description="a longer text is rejected as too_long; characters after cleaning")
    language: tuple[TextLanguage, ...] | None = Field(
        None, min_length=1, description="a text surely in another is rejected as off_language; null: none is"
    )
    near_duplicate: Annotated[float, Field(ge=0.5, le=1)] | None = Field(
        0.8, description="Jaccard similarity from which a text repeats an earlier one; null: only equal texts do"
    )
    split: Split = Field(description="share of groups, by a hash of the group; the rest trains")
    values: Values = Values()

    @pydantic.model_validator(mode="after")
    def _values_fit(self) -> "Clean":
        low, high = self.rating_range
        if out := [word for word, number in (self.values.rating or {}).items() if not low <= number <= high]:
            raise ValueError(f"values.rating puts {', '.join(out)} outside rating_range [{low:g}, {high:g}]")
        return self

    @pydantic.model_validator(mode="after")
    def _ranges_rise(self) -> "Clean":
        if self.rating_range[0] >= self.rating_range[1]:
            raise ValueError(f"rating_range {list(self.rating_range)} does not rise; write [lowest, highest]")
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars {self.min_chars} is above max_chars {self.max_chars}")
        return self


class Range(Strict):
    low: float | None = None
    high: float | None = None


class Validate(Strict):
    """Bounds of the Great Expectations suite. `warning` names expectations that report but do not stop."""

    rows: Range = Field(description="table rows")
    rating_share: dict[Stars, Range] = Field(description="share of rows with each rating")
    rating_expected: dict[Stars, Share] = Field(description="the partition that divergence is measured from")
    rating_divergence: PositiveFloat = Field(description="highest Kullback-Leibler divergence from it, nats")
    chars: dict[Literal["median", "p95", "max"], Range] = Field(description="text length, characters")
    tokens: dict[Literal["median", "p95", "max"], Range] = Field(
        description="text length, words and marks (a recipe's own tokens are gated by tokenize)"
    )
    token_limit: PositiveInt = Field(description="a text with more words and marks counts as truncated")
    truncated_share: Share = Field(description="highest share of such texts")
    loose_duplicate_share: Share = Field(
        0.05, description="highest share of texts that an earlier one equals but for case, spaces and punctuation"
    )
    off_language_share: Share = Field(
        0.1, description="highest share of texts most of whose letters are not of the script of enrich.language"
    )
    rating_drift: PositiveFloat = Field(
        0.25, description="highest population stability index of the ratings from the last accepted snapshot, nats"
    )
    warning: tuple[str, ...] = ()


class Enrich(Strict):
    language: Language
    keywords: PositiveInt = Field(le=6, description="most keywords per review")
    max_share: Share = Field(0.02, description="what more than this share of the training rows say is no keyword")
    fewest: PositiveInt = Field(2, description="what fewer training rows say is no keyword")
    phrases: bool = Field(True, description="phrases of two words as well as single ones")
    workers: PositiveInt = Field(
        2, description="threads of the Korean analyser; the same keywords whatever their number"
    )
    block: PositiveInt = Field(20_000, description="rows analysed at once: bounds memory, changes nothing else")


class Source(Strict):
    collect: Annotated[SampleSource | FileSource | HubSource | SqlSource, Field(discriminator="kind")]
    clean: Clean
    validate_: Validate = Field(alias="validate")
    enrich: Enrich


# --- bases: the models that recipes start from ----------------------------------------------------------------------


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
    batch: PositiveInt = Field(description="texts per step")
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


# --- recipes: a name and four words ---------------------------------------------------------------------------------


class Limit(Strict):
    train: PositiveInt | None = None
    validation: PositiveInt | None = None
    test: PositiveInt | None = None


class AsIs(Strict):
    kind: Literal["none"]


class Temperature(Strict):
    kind: Literal["temperature"]
    tau: Share = Field(
        description="exponent of each rating's share: 1 leaves the shares as they are, 0 makes them equal"
    )


class Cap(Strict):
    kind: Literal["cap"]
    most: PositiveInt = Field(description="most rows of each rating")


Balance = AsIs | Temperature | Cap
Lengths = dict[Literal["median", "p95", "max"], Range]


class Gate(Strict):
    """Bounds of the suite over a recipe's own rows, all splits; beside them stands model.truncated_share."""

    rating_imbalance: Annotated[float, Field(ge=1)] = Field(
        50, description="most training rows of the commonest rating to one of the rarest there is, after balancing"
    )
    keyword_coverage: Share = Field(0.5, description="lowest share of rows with a keyword")
    chars: Lengths = Field({"median": Range(low=5)}, description="review length, characters")
    prompt_tokens: Lengths = Field({"median": Range(low=3)}, description="prompt length before any cut, own tokens")
    target_tokens: Lengths = Field({"median": Range(low=2)}, description="target length before any cut, own tokens")
    warning: tuple[str, ...] = Field((), description="expectations that report but do not stop")


class References(Strict):
    """What people wrote of the groups of a corpus, as a parquet table: one row per group, category and writer."""

    path: str
    sha256: Sha256
    group: str = Field(description="its column that names the group")
    category: str = Field(description="its column that names the category")
    text: str = Field(description="its column of summaries")
    splits: tuple[Literal["train", "validation", "test"], ...] = Field(
        ("test",), description="where they stand in place of the rule's targets"
    )


class Gather(Strict):
    """How the reviews of one group (a place, a film, a hotel) become one row."""

    categories: dict[Annotated[str, Field(pattern=r"^[^|:\n]+$")], tuple[str, ...]] = Field(
        min_length=1, description="category → its words; a sentence belongs to the one whose words it holds most of"
    )
    silent: str = Field(pattern=r"^[^|\n]*\w[^|\n]*$", description="what is said of a category nobody speaks of")
    reviews: PositiveInt = Field(50, description="most reviews of a group in one row")
    learn: PositiveInt | None = Field(
        None,
        description="most reviews in what trains and validates, for long inputs cost much; null: as many",
    )
    least: PositiveInt = Field(8, description="a group of fewer reviews is left out")
    draws: PositiveInt = Field(1, description="rows made of each training group, other reviews in another order each")
    references: References | None = None


class Rows(Strict):
    source: Name = Field(alias="from")
    where: dict[Literal["rating"], tuple[Stars, ...]] = Field({}, description="keep rows whose column is one of these")
    limit: Limit = Field(Limit(), description="most rows per split, chosen by a hash of id and seed")
    even: tuple[Literal["train", "validation", "test"], ...] = Field(
        (), description="splits drawn with equally many rows of each rating"
    )
    balance: Annotated[Balance, Field(discriminator="kind")] = Field(
        AsIs(kind="none"), description="remedy for a rating that most training rows have"
    )
    gate: Gate = Gate()
    gather: Gather | None = Field(None, description="for tasks that read the reviews of a group together")

    @pydantic.model_validator(mode="after")
    def _balances_once(self) -> "Rows":
        if self.gather and (self.even or self.balance.kind != "none"):
            raise ValueError("gather draws groups, even and balance draw reviews by rating; keep one of them")
        if "train" in self.even and self.balance.kind != "none":
            raise ValueError("even: [train] and balance both say how training rows are drawn; keep one of them")
        return self


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
    batch: PositiveInt = Field(description="rows per step")
    accumulate: PositiveInt = Field(1, description="steps whose gradients are summed before an update")
    warmup: Share = Field(0.06, description="share of steps with a rising learning rate")
    weight_decay: float = Field(0.0, ge=0)
    evaluations: PositiveInt = Field(4, description="validation losses taken over the run")
    patience: PositiveInt = Field(3, description="validation losses without a new best before stopping")
    seed: int | None = Field(
        None,
        description="of the training alone: a new head, the order of rows, dropout; null: the global one",
    )
    processes: PositiveInt = Field(1, description="processes that share each batch, a GPU each where there are some")

    @pydantic.model_validator(mode="after")
    def _shares_are_equal(self) -> "Optimisation":
        if self.batch % self.processes:
            raise ValueError(f"batch {self.batch} cannot be shared by {self.processes} processes; choose a multiple")
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
    batch: PositiveInt = 64
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

    @property
    def generation(self) -> dict[str, bool | int | float]:
        """These settings in the words of transformers' `generate`; without sampling it wants none of a draw's."""
        words = {
            "do_sample": self.sample,
            "repetition_penalty": self.repetition_penalty,
            "no_repeat_ngram_size": self.no_repeat,
        }
        drawn = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        return words | drawn if self.sample else words


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
        return self


# --- retraining: when a model is trained anew, and what it takes to replace the champion -----------------------------


class Drift(Strict):
    """From where on training is worth starting: any one of growth, psi and auc suffices."""

    fewest: PositiveInt = Field(50, description="fewer new rows than this are not looked at")
    growth: PositiveFloat = Field(0.2, description="new rows to each row that the champion knows")
    psi: PositiveFloat = Field(0.1, description="population stability index of ratings, lengths or vocabulary, nats")
    auc: Annotated[float, Field(ge=0.5, le=1)] = Field(0.6, description="of a classifier that tells new rows from old")
    sample: PositiveInt = Field(20_000, description="most rows of either side that are looked at")


class Author(Strict):
    name: str = Field(min_length=1)
    email: str = Field(pattern=r"^[^\s<>]+@[^\s<>]+$")


class Retrain(Strict):
    drift: Drift = Drift()
    margin: float = Field(0.01, ge=0, description="the headline metric has to be better by more, with 95% confidence")
    tolerance: float = Field(0.05, ge=0, description="most that it may be worse among the test rows of one rating")
    slice: PositiveInt = Field(20, description="a rating with fewer test rows decides nothing")
    branch: str | None = Field(None, description="where accepted changes are committed; null: the branch checked out")
    author: Author | None = Field(None, description="of those commits; null: git's own user.name and user.email")
    message: str = Field(
        "Retrain {recipe}: {metric} {before:.3f} to {after:.3f} on {rows} test rows", description="their first line"
    )
    remote: Name | None = Field(None, description="the DVC remote that accepted models are pushed to; null: none is")
    push: Name | None = Field(None, description="the git remote that the branch is pushed to; null: it is not pushed")

    @pydantic.field_validator("message")
    @classmethod
    def _can_be_filled_in(cls, message: str) -> str:
        known = {"recipe": "", "metric": "", "before": 0.0, "after": 0.0, "rows": 0}
        try:
            line = message.format(**known)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"cannot be filled in ({error}); it may name {', '.join(known)} in braces") from error
        if not line.strip() or len(line.splitlines()) > 1:
            raise ValueError("is not one line of text; what follows it in the commit is written by the flow")
        return message


# --- the rest -------------------------------------------------------------------------------------------------------


class Judge(Strict):
    base: str = Field(pattern=r"^bases/[A-Za-z0-9_-]+$", description="whose frozen encoder is tried against TF-IDF")
    rows: PositiveInt = Field(description="most training rows to learn from")
    passing: Share = Field(0.95, description="share of people's held-out reviews that meets each criterion: its bound")
    keywords: Share = Field(0.5, description="lowest share of the asked keywords that a right review says")


HubName = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name on the Hub")]


class Pinned(Strict):
    """Where a model lies on the Hub, and which one of its commits is meant."""

    repo: HubName
    revision: str | None = Field(
        None, pattern=r"^([0-9a-f]{40}|git-[0-9a-f]{12}|same)$",
        description="a commit, a tag of ours, or same: the tag of this very release, which that one is sent before",
    )  # fmt: skip


class Probe(Strict):
    """How long a generator is searched for what it learnt by heart, before it may be sent."""

    rows: PositiveInt = Field(1000, description="texts it writes, to requests of test and validation rows")
    span: PositiveInt = Field(25, description="words in a row that, standing in one training text, count as memorised")
    common: int = Field(
        5, ge=0, description="a copy each of whose sentences stands in more training texts than so many is nobody's own"
    )


class Release(Strict):
    repo: HubName
    task: Name = Field(description="the recipe's own; it and the next two are what DVC reads of it for the graph")
    source: Name = Field(description="the recipe's own")
    base: str = Field(description="the recipe's own")
    base_at: Pinned | None = Field(None, description="where the base is on the Hub, if pretrained does not say it")
    private: bool = True
    license: str = Field(description="SPDX identifier of the weights")
    bar: dict[str, float] = Field(min_length=1, description="metric → least value; below it nothing is published")
    bar_by_rating: dict[str, float | dict[Stars, float]] = Field(
        {}, description="metric → least value among the test rows of each rating, or of the ratings named"
    )
    probe: Probe = Probe()


class Dataset(Strict):
    """A source whose cleaned rows may be given to others. No entry: they stay here."""

    repo: HubName
    private: bool = True
    license: str = Field(description="SPDX identifier of the rows")
    permission: str = Field(min_length=1, description="who allows it, and where that is written; stands on the card")
    columns: tuple[Literal["text", "rating", "mark", "rubrics", "question", "guide", "keywords"], ...] = Field(
        ("text", "rating", "rubrics", "keywords"), min_length=1, description="what leaves; ids and groups never do"
    )


class Numerics(Strict):
    threads: PositiveInt = Field(description="CPU threads: another number may change the last bits")
    matmul: Literal["highest", "high", "medium"] = Field(description="torch's float32 matmul precision")
    profile: Literal["native", "portable"] = Field(
        "native", description="portable: only kernels that every x86-64 CPU with AVX2 has, and no GPU; slower"
    )


class Report(Strict):
    report: str = Field(pattern=r"^comparison[\w.-]*$", description="file name of its comparison, without ending")


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


class Params(Strict):
    flow: Flow = Flow()
    profile: dict[Name, Report] = Field(min_length=1, max_length=1)
    seed: int
    engine: Literal["local", "ray"] = Field(
        "local", description="where clean and enrich work: here, or on a Ray cluster (RAY_ADDRESS); the same bytes"
    )
    numerics: Numerics
    tracking: tuple[Literal["mlflow", "wandb", "tensorboard", "trackio"], ...] = Field(
        (), description="trackers told of each training beside DVCLive; no stage's params: what they keep is no output"
    )
    sources: dict[Name, Source]
    bases: dict[Name, Base]
    pretrained: dict[Name, Annotated[HubBase | FolderBase | PackageBase, Field(discriminator="kind")]]
    judges: dict[Name, Judge]
    recipes: dict[Name, Recipe]
    publish: dict[Name, Release]
    datasets: dict[Name, Dataset] = {}
    retrain: Retrain = Retrain()


class _Alone(Strict):
    """A file of which only the section flow is looked at."""

    flow: Flow = Flow()


# --- reading --------------------------------------------------------------------------------------------------------


def load(path: Path = FILE) -> Params:
    """Read and check the whole file; refuse with every mistake in it at once."""
    return check(read(path), str(path))


def read(path: Path) -> dict:
    """The sections of a settings file, as YAML gives them."""
    path = Path(path)
    if not path.is_file():
        raise Refusal("the settings", "no such file", str(path), "run from the project's root")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        found = getattr(error, "problem", None) or str(error)
        raise Refusal("valid YAML", found, where, "mend that line: look for a tab, a missing space or colon") from error
    if not isinstance(raw, dict):
        raise Refusal("sections such as sources and recipes", type(raw).__name__, str(path), "restore it from git")
    return raw


def check(raw: dict, where: str = str(FILE)) -> Params:
    """Turn a parsed file into `Params`, or refuse with all its mistakes."""
    try:
        params, mistakes = Params.model_validate(raw), []
    except pydantic.ValidationError as error:
        params, mistakes = None, [_explain(one) for one in error.errors()]
    mistakes += _dangling(raw) + (_strays(params.recipes) + oversized(params.flow) if params else [])
    if mistakes or params is None:
        raise _refusal(mistakes, where)
    return params


def flow(path: Path = FILE) -> Flow:
    """The flow section alone, or what stands for it where there is none; each stage checks the rest for itself."""
    raw = {"flow": read(path).get("flow", {})} if Path(path).is_file() else {}
    try:
        settings = _Alone.model_validate(raw).flow
    except pydantic.ValidationError as error:
        raise _refusal([_explain(one) for one in error.errors()], str(path)) from error
    if mistakes := oversized(settings):
        raise _refusal(mistakes, str(path))
    return settings


def oversized(flow: Flow) -> list[str]:
    """Stages that need more than there is: they could never start."""
    return [
        f"flow.stages.{stage}.{slot}: found {need}, and flow.slots.{slot} is {most}; lower the one or raise the other"
        for stage, needs in flow.stages.items()
        for slot, need in needs.model_dump().items()
        if need > (most := getattr(flow.slots, slot))
    ]


def entry(section: dict, name: str, address: str) -> object:
    """The entry `name` of a section, or a refusal that lists the entries there are."""
    if name in section:
        return section[name]
    close = difflib.get_close_matches(name, section, 1)
    hint = f"did you mean {close[0]}?" if close else f"choose one of them, or add it under {address}"
    raise Refusal(f"one of {', '.join(section) or '(none)'}", repr(name), f"params.yaml: {address}", hint)


def _refusal(mistakes: list[str], where: str) -> Refusal:
    lines = "".join(f"\n      - {one}" for one in mistakes)
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    return Refusal("settings that can be run", count + lines, where, "mend each at its address, then run it again")


def _explain(error: dict) -> str:
    """One mistake in one line: address, what was found, what to write instead."""
    address = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _fields(Params, error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        return f"{address}: unknown key; " + (f"write {close[0]}" if close else f"known here: {', '.join(known)}")
    if error["type"] == "missing":
        return f"{address}: missing; add it"
    found = "" if isinstance(error["input"], dict) else f" found {error['input']!r};"
    return f"{address}:{found} {error['msg'][0].lower()}{error['msg'][1:]}"


def _fields(kind: object, loc: tuple) -> list[str]:
    """The keys that may stand at an error's address, found by walking the annotations along it."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _fields(args[0], loc)
    if origin in (typing.Union, types.UnionType):  # the address names the variant by its `kind`
        for one in args:
            if loc and isinstance(one, type) and loc[0] in typing.get_args(one.model_fields["kind"].annotation):
                return _fields(one, loc[1:])
        return []
    if origin is dict:
        return _fields(args[1], loc[1:])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        by_key = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return _fields(by_key[loc[0]], loc[1:]) if loc else list(by_key)
    return []


def _strays(recipes: dict[str, Recipe]) -> list[str]:
    """Recipes that differ in more than the seed from the one they replicate: theirs would be no spread of it."""
    told = []
    for name, recipe in recipes.items():
        of = recipes.get(recipe.replicates)
        if of and _but_seed(recipe) != _but_seed(of):
            parts = ", ".join(part for part, own in _but_seed(recipe).items() if own != _but_seed(of)[part])
            told.append(
                f"recipes.{name}.replicates: {recipe.replicates} differs in {parts}; leave only method.seed apart"
            )
    return told


def _but_seed(recipe: Recipe) -> dict:
    return recipe.model_dump(exclude={"replicates": True, "method": {"seed"}})


def _dangling(raw: dict) -> list[str]:
    """Names that point nowhere: a recipe's source, base or task, a base's corpus, a judge's base, a release."""

    def section(name: str) -> dict:
        return raw[name] if isinstance(raw.get(name), dict) else {}

    def get(value: object, *path: str) -> object:
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    sources, recipes = section("sources"), section("recipes")
    bases = {f"bases/{name}" for name in [*section("bases"), *section("pretrained")]}
    whole = {f"models/{name}" for name, recipe in recipes.items() if get(recipe, "method", "kind") == "full"}
    tasks = {path.stem for path in (Path(__file__).parent / "tasks").glob("[!_]*.py")}
    pointers = [(f"bases.{name}.corpus", get(base, "corpus"), sources) for name, base in section("bases").items()]
    encoding = bases - {f"bases/{name}" for name, base in section("bases").items() if get(base, "family") == "causal"}
    for name, judge in section("judges").items():  # a decoder has no encoder to hear with
        pointers += [(f"judges.{name}", name, sources), (f"judges.{name}.base", get(judge, "base"), encoding)]
    for name, recipe in recipes.items():
        at = f"recipes.{name}"
        pointers += [
            (f"{at}.task", get(recipe, "task"), tasks),
            (f"{at}.rows.from", get(recipe, "rows", "from"), sources.keys() & section("judges")),
            (f"{at}.model.base", get(recipe, "model", "base"), bases | whole - {f"models/{name}"}),
            (
                f"{at}.replicates",
                get(recipe, "replicates"),
                {other for other, of in recipes.items() if other != name and not get(of, "replicates")},
            ),
        ]
    for name, release in section("publish").items():
        pointers.append((f"publish.{name}", name, recipes))
        if name in recipes:
            own = {"task": ("task",), "source": ("rows", "from"), "base": ("model", "base")}
            pointers += [
                (f"publish.{name}.{key}", get(release, key), {get(recipes[name], *at)}) for key, at in own.items()
            ]
        if get(release, "base_at", "revision") == "same":
            sent = {get(other, "repo") for at, other in section("publish").items() if at != name}
            pointers.append((f"publish.{name}.base_at.repo", get(release, "base_at", "repo"), sent))
    pointers += [(f"datasets.{name}", name, sources) for name in section("datasets")]
    return [
        f"{address}: found {value!r}, which is not there; write one of {', '.join(sorted(map(str, known))) or '(none)'}"
        for address, value, known in pointers
        if isinstance(value, str) and value not in known
    ]
