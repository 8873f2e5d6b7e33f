"""Which rows a recipe learns from, and what they must be."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field, PositiveInt

from stages.params.sources import Range, Sha256
from stages.params.strict import Name, Share, Stars, Strict


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
