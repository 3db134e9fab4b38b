"""What a persona serves in this process, and how far a change of it has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any

from adapters.registry import RegistryError

from .errors import EngineRefused, ProbeFailed, Rejected, RolloutFailed
from .metrics import Metrics

log = logging.getLogger(__name__)

REASONS: dict[type[Exception], str] = {
    Rejected: "rejected",
    EngineRefused: "engine_refused",
    ProbeFailed: "probe_failed",
    RegistryError: "registry",
    OSError: "files",
}
"""What can fail a step, by the name that metrics give it."""
REMEMBERED = 50
"""Versions that a persona's history of serving goes back."""


class Step(StrEnum):
    VALIDATE = "validate"
    LOAD = "load"
    PROBE = "probe"
    COMMIT = "commit"
    FLIP = "flip"
    DRAIN = "drain"
    RETIRE = "retire"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Rollout:
    """One change of a persona, under way or ended; `seconds` by step."""

    persona: str
    version: int
    commit: bool
    metrics: Metrics = field(repr=False)
    step: Step = Step.VALIDATE
    reason: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def at(self, step: Step) -> Iterator[None]:
        """Run a step; what fails in it fails the rollout with the step and the reason."""
        self.step, began = step, monotonic()
        # What an operator asked for is watched; a start of many personas would fill the log.
        level = logging.INFO if self.commit else logging.DEBUG
        if step not in self.seconds:
            log.log(level, "%s@%d: %s", self.persona, self.version, step)
        try:
            yield
        except tuple(REASONS) as error:
            self.step, self.reason = Step.FAILED, f"{step}: {error}"
            raise RolloutFailed(step, str(error), _kind(error)) from error
        finally:
            seconds = monotonic() - began
            self.seconds[step] = round(self.seconds.get(step, 0) + seconds, 4)
            self.metrics.step(step, seconds)

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "step": self.step,
            "reason": self.reason,
            "seconds": self.seconds,
            "commit": self.commit,
        }


def _kind(error: Exception) -> str:
    return next(kind for its_type, kind in REASONS.items() if isinstance(error, its_type))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change that was made: `previous` served until then (None: the base model)."""

    persona: str
    version: int
    previous: int | None
    seconds: float


@dataclass(slots=True)
class Part:
    """What a persona serves in this process, and how it came to that."""

    persona: str
    serving: int | None = None
    served_before: list[int] = field(default_factory=list)
    rollout: Rollout | None = None
    busy: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def took_over(self, version: int, *, back: bool) -> None:
        if back:
            del self.served_before[-1:]
        elif self.serving is not None and self.serving != version:
            self.served_before = [*self.served_before, self.serving][-REMEMBERED:]
        self.serving = version
