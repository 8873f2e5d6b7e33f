"""When a model is trained anew, and what it takes to replace the champion."""

from typing import Annotated

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from stages.params.strict import Name, Strict


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
