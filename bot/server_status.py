"""What an inference server tells its administrators of itself, as far as it is known here.

Only shapes, with something to say for all that a server leaves out: `admin` asks for them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

STEPS = ("validate", "load", "probe", "commit", "flip", "drain", "retire")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{0,20}://\S+", re.IGNORECASE)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RolloutState(_Told):
    """A rollout under way or ended; `seconds` by step."""

    version: int | None = None
    step: str = ""
    reason: str | None = None
    seconds: dict[str, float] = {}

    @property
    def progress(self) -> str:
        """The steps so far: `validate ✓ load ✓ probe …`; one that was left out is not named."""
        done = [f"{step} ✓" for step in STEPS if step in self.seconds and step != self.step]
        return " ".join([*done, f"{self.step} …"] if self.step in STEPS else done)


class PersonaState(_Told):
    """`desired` is what the registry says, `serving` what answers; None is the base model."""

    newest: int | None = None
    desired: int | None = None
    serving: int | None = None
    drift: bool = False
    busy: bool = False
    rollout: RolloutState | None = None


class RegistryState(_Told):
    reachable: bool = True


class BaseState(_Told):
    model: str | None = None
    max_context: int | None = None


class Trouble(_Told):
    """`trouble` says which; it may name files."""

    trouble: str | None = None


class Requests(_Told):
    running: int = 0
    waiting: int = 0


def _reasons(told: Any) -> Any:
    """Names alone are taken, too."""
    return dict.fromkeys(told, "") if isinstance(told, list) else told


class ServerStatus(_Told):
    """GET /admin/status."""

    ready: bool = False
    degraded: Annotated[dict[str, str], BeforeValidator(_reasons)] = {}
    """What serves something else than asked, with the reason."""
    registry: RegistryState = RegistryState()
    base: BaseState = BaseState()
    audit: Trouble = Trouble()
    keys: Trouble = Trouble()
    requests: Requests = Requests()
    personas: dict[str, PersonaState] = {}


class Version(_Told):
    """An entry of GET /admin/personas/{name}/versions; `broken` says what is wrong with it."""

    version: int = Field(ge=1)
    created_at: str | None = None
    broken: str | None = None
    loaded: bool = False
    serving: bool = False

    @property
    def day(self) -> str | None:
        return self.created_at[:10] if self.created_at else None


def without_addresses(text: str) -> str:
    """An address may hold a password, or say where things lie."""
    return _ADDRESS.sub("(an address)", text)
