"""The whole file."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from stages.params.bases import Base, FolderBase, HubBase, PackageBase
from stages.params.machine import Flow, Numerics
from stages.params.recipes import Recipe
from stages.params.releases import Dataset, Release
from stages.params.retrain import Retrain
from stages.params.sources import Source
from stages.params.strict import Name, Share, Strict


class Judge(Strict):
    base: str = Field(pattern=r"^bases/[A-Za-z0-9_-]+$", description="whose frozen encoder is tried against TF-IDF")
    rows: PositiveInt = Field(description="most training rows to learn from")
    passing: Share = Field(0.95, description="share of people's held-out reviews that meets each criterion: its bound")
    keywords: Share = Field(0.5, description="lowest share of the asked keywords that a right review says")


class Report(Strict):
    report: str = Field(pattern=r"^comparison[\w.-]*$", description="file name of its comparison, without ending")


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
    datasets: dict[Name, Dataset] = Field({})
    retrain: Retrain = Retrain()


class Alone(Strict):
    """A file of which only the section flow is looked at."""

    flow: Flow = Flow()
