"""All that this server knows while it runs, in one place for its routes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from adapters.registry import Registry

from .aliases import Aliases
from .base_model import ServedBase
from .engine import VllmEngine
from .reconcile import Reconciler
from .rollout import Rollouts


@dataclass(frozen=True, slots=True)
class Service:
    registry: Registry
    engine: VllmEngine
    aliases: Aliases
    rollouts: Rollouts
    reconciler: Reconciler
    base_name: str
    served_base: asyncio.Task[ServedBase]
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def start(self) -> None:
        watching = asyncio.create_task(self.reconciler.run())
        watching.add_done_callback(self.reconciler.stopped)
        self.tasks.extend([watching, self.served_base])

    async def close(self) -> None:
        await self.rollouts.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
