"""What the inference server is told by its environment; nothing is read before main() asks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    inference_api_keys: SecretStr = SecretStr("")
    """More keys beside the one above, for rotation: `NAME=KEY NAME=KEY …`."""
    admin_api_keys: SecretStr = SecretStr("")
    inference_api_keys_file: Path | None = None
    """A file with a `NAME KEY` on each line; read again whenever it changes."""
    admin_api_keys_file: Path | None = None
    metrics: Literal["off", "key", "open"] = "off"
    """Who may read /metrics: nobody, the metrics key's holder, everybody who reaches the port."""
    metrics_api_key: SecretStr = SecretStr("")
    max_waiting_requests: int = Field(default=128, ge=0)
    """Requests that may wait for a place in the engine; beyond it the answer is 429."""
    max_body_mb: float = Field(default=2.0, gt=0, le=64)
    request_seconds: float = Field(default=300.0, gt=0)
    """How long one request may take in all, its wait included."""
    audit_log: Path | None = None
    """Where admin actions are written down; default: $UNDERSTUDY_HOME/logs/audit.jsonl."""
    registry_watch_s: float | None = Field(default=None, gt=0)
    """How often the registry is looked at; default: 2 s for a folder, 15 s for anything else."""
    adopt_new_versions: bool = False
    """Serve a version as soon as it is published, without waiting for a reload."""

    @property
    def registry(self) -> str:
        return self.registry_url or str(self.understudy_home / "registry")

    @property
    def registry_cache(self) -> Path:
        """Where a registry that is not a folder is mirrored."""
        return self.understudy_home / "cache" / "registry"
