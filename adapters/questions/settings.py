"""What the owner sets for asking models elsewhere; read when it is asked for."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class QuestionSettings(BaseSettings):
    """From the environment and `.env`; an empty value counts as not given."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    questions_api_key: SecretStr | None = None
    """For the server of --url."""
