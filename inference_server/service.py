"""All that this server knows while it runs, in one place for its routes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adapters.registry import Registry

from .aliases import Aliases
from .audit import Audit
from .base_model import ServedBase
from .errors import EngineRefused
from .gate import Gate
from .keys import Keys
from .metrics import Metrics
from .reconcile import Reconciler
from .rollout import Rollouts

if TYPE_CHECKING:  # vLLM takes seconds to import, and most of this package does without
    from .engine import VllmEngine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    registry: Registry
    engine: VllmEngine
    aliases: Aliases
    rollouts: Rollouts
    reconciler: Reconciler
    gate: Gate
    metrics: Metrics
    audit: Audit
    keys: Keys
    max_body_bytes: int
    request_seconds: float
    base_name: str
    served_base: asyncio.Task[ServedBase]
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def start(self) -> None:
        slots, reconciler = self.rollouts.slots, self.reconciler
        for name, about, read in (
            ("running_requests", "Answers being generated", lambda: self.gate.running),
            ("waiting_requests", "Requests waiting for the engine", lambda: self.gate.waiting),
            ("loaded_versions", "Versions in the engine", lambda: len(slots)),
            (
                "audit_broken",
                "Admin actions are not written down",
                lambda: bool(self.audit.trouble),
            ),
            ("keys_outdated", "Keys are older than their files", lambda: bool(self.keys.trouble)),
            ("degraded", "What serves something else than asked", lambda: len(reconciler.degraded)),
        ):
            self.metrics.watch(name, about, read)
        watching = asyncio.create_task(self._serve())
        watching.add_done_callback(self.reconciler.stopped)
        self.tasks.extend([watching, self.served_base])

    async def _serve(self) -> None:
        try:
            await self.engine.warm_up()
        except EngineRefused as error:
            log.warning("the engine could not be warmed up, so first answers are slow: %s", error)
        await self.reconciler.run()

    async def close(self) -> None:
        await self.rollouts.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.audit.close()
