"""Which versions are in the engine, and when one may leave it.

Every version has its own name and path there. vLLM evicts silently beyond its limit, so the limit
is kept here: the version unused for longest goes first, and none that serves, is being tried or
still has a request.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

from .aliases import Aliases, engine_name
from .errors import Rejected
from .probe import Answering


class Engine(Answering, Protocol):
    """What a rollout asks of an engine: vLLM's, or a small real one in tests."""

    max_loaded: int
    max_rank: int

    async def load(self, name: str, folder: Path) -> None: ...
    async def remove(self, name: str) -> None: ...


@dataclass(slots=True, eq=False)
class Slot:
    """One version in the engine. `sealed` is the manifest it was loaded with, byte for byte."""

    persona: str
    version: int
    sealed: bytes
    used: int
    held: bool = True
    """Being tried or serving: never removed to make room."""
    served: bool = False
    """It has answered somebody: it was validated and probed."""
    leaving: asyncio.Event | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return engine_name(self.persona, self.version)


class Slots:
    def __init__(self, engine: Engine, aliases: Aliases) -> None:
        self._engine, self._aliases = engine, aliases
        self._slots: dict[str, Slot] = {}
        self._uses = count()

    def __len__(self) -> int:
        return len(self._slots)

    def of(self, persona: str) -> list[Slot]:
        """The persona's versions in the engine, the latest used last."""
        mine = (slot for slot in self._slots.values() if slot.persona == persona)
        return sorted(mine, key=lambda slot: slot.used)

    def find(self, persona: str, version: int) -> Slot | None:
        return self._slots.get(engine_name(persona, version))

    def take(self, persona: str, version: int, sealed: bytes) -> Slot:
        """A slot for a version that is to be loaded. Raises Rejected where none will be free."""
        if len(self._slots) >= self._engine.max_loaded and not self._leaving():
            self._least_used()
        slot = Slot(persona, version, sealed, next(self._uses))
        self._slots[slot.name] = slot
        return slot

    async def make_room(self) -> None:
        """Have the version unused for longest leave, where the engine is full. Raises Rejected."""
        while len(self._slots) > self._engine.max_loaded:
            if leaving := self._leaving():
                await leaving[0].wait()
            else:
                await self.remove(self._least_used())

    def _leaving(self) -> list[asyncio.Event]:
        return [slot.leaving for slot in self._slots.values() if slot.leaving]

    def hold(self, slot: Slot) -> None:
        """The version is tried, or serves, from now on."""
        slot.held, slot.used = True, next(self._uses)

    async def remove(self, slot: Slot) -> None:
        """Free a version now. Raises EngineRefused; a second caller waits for the first one."""
        if slot.leaving is not None:
            await slot.leaving.wait()
            return
        slot.leaving = asyncio.Event()
        self._aliases.close(slot.name)
        try:
            await self._engine.remove(slot.name)
        finally:
            self._slots.pop(slot.name, None)
            slot.leaving.set()

    async def left(self, persona: str, version: int) -> None:
        """Returns when a version that is being removed at this moment is gone."""
        slot = self.find(persona, version)
        if slot and slot.leaving:
            await slot.leaving.wait()

    def _least_used(self) -> Slot:
        free = [
            slot
            for slot in self._slots.values()
            if not slot.held and not slot.leaving and not self._aliases.in_flight(slot.name)
        ]
        if not free:
            raise Rejected(
                f"the engine holds {len(self._slots)} versions and all of them are in use; wait "
                "until running answers have ended, or restart the server to make room for more "
                "personas"
            )
        return min(free, key=lambda slot: slot.used)
