"""Which version answers for a name, and how many requests each version still has.

Knows names only: `maya`, `maya@2`, `base`. All of it runs on one event loop and nothing awaits
between looking a name up and counting the request, so a request sees one version, and a version
is idle only when its last request has ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.manifest import BASE

from .errors import NotReadyYet, UnknownModel


def engine_name(persona: str, version: int | None) -> str:
    """The name under which the engine knows a version: `maya@3`, or `base` where there is none."""
    return BASE if version is None else f"{persona}@{version}"


class Aliases:
    def __init__(self) -> None:
        self._serving: dict[str, str | None] = {}
        self._askable: set[str] = {BASE}
        self._in_flight: Counter[str] = Counter()
        self._idle: dict[str, asyncio.Event] = {}

    def expect(self, persona: str) -> None:
        """Make a persona known before anything is loaded for it."""
        self._serving.setdefault(persona, None)

    def open(self, engine: str) -> None:
        """Let a loaded version be asked for by its own name."""
        self._askable.add(engine)

    def close(self, engine: str) -> None:
        self._askable.discard(engine)

    def point(self, persona: str, engine: str) -> None:
        """From now on `persona` is answered by `engine`; running requests stay where they are."""
        self._serving[persona] = engine

    def serving(self, persona: str) -> str | None:
        return self._serving.get(persona)

    def personas(self) -> list[str]:
        return sorted(self._serving)

    def resolve(self, asked: str) -> str:
        """The engine's name for what was asked. Raises UnknownModel, NotReadyYet."""
        if asked in self._askable:
            return asked
        if asked not in self._serving:
            raise UnknownModel(f"The model {asked[:80]!r} does not exist here.")
        answering = self._serving[asked]
        if answering is None:
            raise NotReadyYet(f"{asked} is still being loaded; ask again in a moment.")
        return answering

    @contextmanager
    def lease(self, asked: str) -> Iterator[str]:
        """The engine's name, counted as in flight until the block ends."""
        engine = self.resolve(asked)
        self._in_flight[engine] += 1
        try:
            yield engine
        finally:
            self._in_flight[engine] -= 1
            if not self._in_flight[engine]:
                del self._in_flight[engine]
                if idle := self._idle.pop(engine, None):
                    idle.set()

    def in_flight(self, engine: str) -> int:
        return self._in_flight[engine]

    async def drained(self, engine: str) -> None:
        """Returns when the version's last request has ended."""
        while self._in_flight[engine]:
            await self._idle.setdefault(engine, asyncio.Event()).wait()
