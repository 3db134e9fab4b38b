"""A persona as the bot needs it: how it is shown, asked for and laid out.

Only shapes: where cards come from is `personas`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

DEFAULT_MAX_TOKENS = 120


class PromptFormat(BaseModel):
    """How turns become chat messages; the persona was trained on this layout."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    speaker_label: str = "{name}: "
    burst_separator: str = "\n"
    window_messages: int = Field(default=16, ge=1)


class Sampling(BaseModel):
    """How answers are drawn: OpenAI's parameters, and any other the server may know."""

    model_config = ConfigDict(frozen=True, extra="allow")

    max_tokens: int = Field(default=DEFAULT_MAX_TOKENS, ge=1)

    def given(self) -> dict[str, Any]:
        """What the card sets besides max_tokens, which the context may bound."""
        extra = self.__pydantic_extra__ or {}
        return {name: value for name, value in extra.items() if value is not None}


class About(BaseModel):
    """Where the version that speaks comes from, as far as the server tells."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int
    published: datetime | None = None
    since: datetime | None = None
    """When it became the one that speaks."""
    base: str | None = None
    examples: int | None = None
    first: datetime | None = None
    last: datetime | None = None
    """Of the messages that it learned from."""
    dataset: str | None = None
    evaluation: dict[str, float] = {}


class Persona(BaseModel):
    """Who speaks, as GET /personas or a local card says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1, max_length=64)
    display_name: str = Field(min_length=1)
    avatar: str | None = None
    system_prompt: str = ""
    greeting: str | None = None
    sampling: Sampling = Sampling()
    starters: tuple[str, ...] = ()
    prompt_format: PromptFormat = PromptFormat()
    current: int | None = None
    versions: tuple[int, ...] = ()
    about: About | None = None
    model: str | None = None
    """What a local card asks the server for; None: the persona's own name."""

    @field_validator("about", mode="wrap")
    @classmethod
    def _or_nothing(cls, told: Any, read: ValidatorFunctionWrapHandler) -> About | None:
        """Nobody falls silent for what is only to be shown of them."""
        try:
            about: About | None = read(told)
        except ValidationError:
            return None
        return about

    @property
    def served_as(self) -> str:
        return self.model or self.name
