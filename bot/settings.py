"""What the owner can set, from the environment and `.env`; read once, in an entry point."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import WrongSettings


class Settings(BaseSettings):
    """All settings of the bot; the environment wins over `.env`, an empty value is no value."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    discord_token: SecretStr | None = None
    discord_api_url: str | None = None
    discord_gateway_url: str | None = None
    discord_shards: str | None = None
    """This process's part of the bot, "0-3/16"; None: all of it, in as many shards as Discord
    recommends."""
    discord_requests_per_second: int = Field(default=40, ge=0)
    """Of the whole bot, whose shards share them. Discord takes 50 of most bots, more of the very
    largest; 0: as fast as it goes."""
    catch_up_minutes: float = Field(default=10, ge=0, le=1440)
    """What was missed while the bot was away is answered if it is no older; 0: never."""

    redis_url: SecretStr | None = None
    """It may hold a password. None: the embedded Redis."""

    inference_url: str = "http://127.0.0.1:8000"
    inference_api_key: SecretStr | None = None
    admin_api_key: SecretStr | None = None

    understudy_home: Path = Path("data")
    default_persona: str | None = None
    blocked_users: Annotated[tuple[str, ...], NoDecode] = ()
    """Ids of people who are answered nowhere, with their platform: discord:42."""
    operators: Annotated[tuple[str, ...], NoDecode] = ()
    """Ids of those who may change what personas are, in every server; none: whoever manages one."""
    limit_messages_per_minute: int = Field(default=20, ge=0)
    """Of one person, everywhere together. Here and below 0 is no limit."""
    limit_tokens_per_day: int = Field(default=0, ge=0)
    """Of one person: prompts and answers together. They come back little by little."""
    limit_server_messages_per_minute: int = Field(default=0, ge=0)
    """Of all people of one server together; its administrators can only make it less."""
    limit_server_tokens_per_day: int = Field(default=0, ge=0)
    limit_concurrent_answers: int = Field(default=0, ge=0)
    """So many answers this process asks of the model at once; others see their place in line."""

    scene_tokens: int = Field(default=50_000, ge=1)
    """Prompts and answers of one scene together; it ends when they are used up."""

    memory_messages: int = Field(default=64, ge=2, le=1000)
    """So many turns of a conversation are remembered."""
    memory_days: float = Field(default=30, gt=0)
    """A message is forgotten so long after it was said, or with the next one after that."""
    context_tokens: int | None = Field(default=None, ge=256)
    """The model's context where its server does not tell (max_model_len)."""
    first_token_seconds: float = Field(default=60, gt=0)
    between_tokens_seconds: float = Field(default=20, gt=0)
    answer_seconds: float = Field(default=180, gt=0)
    images: bool = False
    """The model takes pictures: those of a question are sent along."""
    burst_seconds: float = Field(default=0, ge=0, le=30)
    """An author's further messages are waited for so long before the model is asked."""
    draft_seconds: float = Field(default=1.0, ge=0)
    """A growing answer is shown this often at most."""

    @field_validator("inference_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url

    @field_validator("blocked_users", "operators", mode="before")
    @classmethod
    def _are_ids(cls, said: object) -> object:
        if not isinstance(said, str):
            return said
        ids = tuple(one.strip() for one in said.split(",") if one.strip())
        if not all(re.fullmatch(r"[a-z]+:\S+", one) for one in ids):
            raise ValueError("must be ids with their platform, as discord:42,discord:43")
        return ids

    @property
    def inference_root(self) -> str:
        """The server's address without /v1 and without a slash at its end."""
        return self.inference_url.rstrip("/").removesuffix("/v1").rstrip("/")

    @property
    def inference_api(self) -> str:
        """Where OpenAI's routes begin."""
        return f"{self.inference_root}/v1"


def load() -> Settings:
    """The settings as they are now. Raises WrongSettings, which names no value (keys!)."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise WrongSettings(problems) from None
