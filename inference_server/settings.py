"""What the inference server is told by its environment; nothing is read before main() asks."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import CannotServe

STARTER_MODEL = Path(__file__).resolve().parents[1] / "adapters" / "starter" / "model"


class ServerSettings(BaseSettings):
    """Settings from the environment and `.env`; an empty value counts as not given."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    base_model: str = str(STARTER_MODEL)
    understudy_home: Path = Path("data")
    registry_url: str = ""
    inference_api_key: SecretStr = SecretStr("")
    admin_api_key: SecretStr = SecretStr("")
    registry_watch_s: float = Field(default=2.0, gt=0)
    """How often the registry is looked at for new personas and changes of `current`."""

    @property
    def registry(self) -> str:
        return self.registry_url or str(self.understudy_home / "registry")

    def checked(self) -> Self:
        """The settings themselves, if both keys may guard a server; else CannotServe."""
        keys = {
            "INFERENCE_API_KEY": self.inference_api_key.get_secret_value(),
            "ADMIN_API_KEY": self.admin_api_key.get_secret_value(),
        }
        for name, key in keys.items():
            if not key:
                raise CannotServe(f"{name} is not set: the server will not serve without it")
            if not key.isascii() or any(c.isspace() for c in key):
                raise CannotServe(f"{name} holds spaces or characters outside ASCII")
        if len(set(keys.values())) == 1:
            raise CannotServe("INFERENCE_API_KEY and ADMIN_API_KEY must not be the same key")
        return self
