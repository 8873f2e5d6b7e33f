"""What the sections of params.yaml have in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
