"""Where rows come from and what they must be."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from stages.params.strict import Language, Share, Stars, Strict, TextLanguage


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
