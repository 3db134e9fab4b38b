"""The settings that decide what runs on this machine; each package reads its own besides."""

from __future__ import annotations

from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .home import Home

PROJECT = Path(__file__).resolve().parents[2]
STARTER_MODEL = PROJECT / "adapters" / "starter" / "model"


LIBRARIES = ("AWS_", "HF_")
"""Beginnings of variables that libraries read from the environment by themselves."""


def for_libraries(env_file: Path = Path(".env")) -> dict[str, str]:
    """What `.env` says to libraries, which do not read that file."""
    return {
        name: value
        for name, value in dotenv_values(env_file).items()
        if value and name.startswith(LIBRARIES)
    }


class Settings(BaseSettings):
    """From the environment and `.env`; the names are those of `.env.example`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    understudy_home: Path = Path("data")
    registry_url: str | None = None
    base_model: str | None = None
    redis_url: SecretStr | None = None
    inference_url: str | None = None
    inference_api_key: SecretStr | None = None
    admin_api_key: SecretStr | None = None
    discord_token: SecretStr | None = None
    discord_api_url: str | None = None
    default_persona: str | None = None
    understudy_start_timeout_s: float = Field(default=600, gt=0)

    @property
    def home(self) -> Home:
        return Home(self.understudy_home)

    @property
    def registry(self) -> str:
        return self.registry_url or str(self.home.root / "registry")

    @property
    def registry_cache(self) -> Path:
        """Where a registry that is not a folder is mirrored."""
        return self.home.root / "cache" / "registry"

    @property
    def base(self) -> str:
        return self.base_model or str(STARTER_MODEL)

    @property
    def announced_inference(self) -> str | None:
        """Where a server of this UNDERSTUDY_HOME says that it listens."""
        live = self.home.live("inference")
        return str(live["url"]) if live else None

    def environment(self, inference_url: str | None = None) -> dict[str, str]:
        """What this machine's processes are told, by environment: never on a command line.

        `inference_url` is where the server is, if that is known by now. A key that was made
        here is told only for a server of ours: a foreign INFERENCE_URL gets the key that it
        was given, or none.
        """
        if self.inference_url is None or _same(self.inference_url, self.announced_inference):
            return {**self.own_environment(), **_given(INFERENCE_URL=inference_url)}
        return _given(
            UNDERSTUDY_HOME=str(self.home.root),
            INFERENCE_URL=self.inference_url,
            INFERENCE_API_KEY=_secret(self.inference_api_key),
            ADMIN_API_KEY=_secret(self.admin_api_key),
        )

    def own_environment(self) -> dict[str, str]:
        """What a server of ours is told, and whoever talks with it; makes missing keys."""
        return _given(
            UNDERSTUDY_HOME=str(self.home.root),
            REGISTRY_URL=self.registry,
            BASE_MODEL=self.base,
            INFERENCE_API_KEY=_secret(self.inference_api_key) or self.home.key("inference"),
            ADMIN_API_KEY=_secret(self.admin_api_key) or self.home.key("admin"),
        )


def unfit(*parts: type[BaseSettings]) -> list[str]:
    """What the environment and `.env` say that these settings don't take: a sentence each, which
    names no value (it may be a key)."""
    found: dict[str, str] = {}
    for part in parts:
        try:
            part()
        except ValidationError as error:
            for problem in error.errors(include_input=False, include_url=False):
                name = str(problem["loc"][0]).upper()
                # pydantic says "Input should be …", or "Value error, must begin with …".
                found[name] = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return [f"{name} {what}" for name, what in found.items()]


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _same(url: str, other: str | None) -> bool:
    return other is not None and _root(url) == _root(other)


def _root(url: str) -> str:
    return url.rstrip("/").removesuffix("/v1").replace("//localhost:", "//127.0.0.1:")


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
