"""What may leave this machine, to where, and how good it must be."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from stages.params.strict import Name, Stars, Strict

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
