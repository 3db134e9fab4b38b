"""Brings what is served into line with what the registry says: at start, and whenever it changes.

A version that can't be served degrades its own persona, to the newest older version that can or
to the base model with the persona's prompt, and says so; it never takes another persona down.
"""

from __future__ import annotations

import asyncio
import logging

from adapters.manifest import BASE
from adapters.registry import Registry, RegistryError

from .aliases import Aliases
from .errors import Busy, RolloutFailed
from .rollout import Rollouts

log = logging.getLogger(__name__)

REGISTRY = "registry"
"""The name under which an unreachable registry is reported as degraded."""


class Reconciler:
    def __init__(
        self, registry: Registry, rollouts: Rollouts, aliases: Aliases, watch_s: float
    ) -> None:
        self._registry, self._rollouts, self._aliases = registry, rollouts, aliases
        self._watch_s = watch_s
        self._tried: dict[str, tuple[int | None, str | None]] = {}
        self._degraded: dict[str, str] = {}
        self._expected: list[str] = []
        self.ready = False
        self.failure: str | None = None

    async def run(self) -> None:
        """Try every persona once, then keep watching the registry until cancelled."""
        await self.reconcile()
        self.ready = True
        log.info("ready: %s", self._summary())
        while True:
            await asyncio.sleep(self._watch_s)
            await self.reconcile()

    async def reconcile(self) -> None:
        """One look at the registry; only what changed since the last look is acted on."""
        try:
            names = await asyncio.to_thread(self._names)
        except OSError as error:
            self._degrade(REGISTRY, f"the registry can't be read: {error}")
            return
        self._recover(REGISTRY)
        self._expected = names
        for name in names:
            self._aliases.expect(name)
        for name in names:
            await self.settle(name)

    async def settle(self, name: str) -> None:
        """Bring one persona into line, if the registry says something new about it."""
        self._aliases.expect(name)
        part = self._rollouts.part(name)
        wanted, trouble = self._wanted(name)
        if part.busy or self._tried.get(name) == (wanted, trouble):
            return
        if trouble is None and wanted in (None, part.serving):
            self._recover(name)
        elif not await self._serve_best(name, wanted, trouble):
            return
        if self._aliases.serving(name) is None:
            self._aliases.point(name, BASE)
        self._tried[name] = (wanted, trouble)

    async def _serve_best(self, name: str, wanted: int | None, trouble: str | None) -> bool:
        """Serve what is wanted, else what comes nearest; False where it has to be tried again."""
        part = self._rollouts.part(name)
        for version in self._candidates(name, wanted):
            if part.serving is not None and (version != wanted or trouble):
                break  # something serves already: leave it
            try:
                await self._rollouts.change(name, version, commit=False)
                break
            except Busy:
                return False
            except RolloutFailed as error:
                trouble = trouble or f"version {version} {error}"
        if trouble:
            serving = f"version {part.serving}" if part.serving else "the base model"
            self._degrade(name, f"{trouble}; {name} is served by {serving}")
        else:
            self._recover(name)
        return True

    def _candidates(self, name: str, wanted: int | None) -> list[int]:
        """The wanted version, then the older ones, newest first; all where `current` is unclear."""
        published = sorted(self._registry.versions(name), reverse=True)
        if wanted is None:
            return published
        return [wanted, *(version for version in published if version < wanted)]

    def _wanted(self, name: str) -> tuple[int | None, str | None]:
        try:
            return self._registry.current(name), None
        except RegistryError as error:
            return None, str(error)

    def _names(self) -> list[str]:
        next(self._registry.root.iterdir(), None)  # a folder that can't be read is not an empty one
        return self._registry.names()

    def settled(self, name: str, version: int) -> None:
        """An admin's rollout has made a persona serve what `current` says."""
        self._tried[name] = (version, None)
        self._recover(name)

    def stopped(self, task: asyncio.Task[None]) -> None:
        """Say so where the watching itself has failed, which only a mistake of ours can do."""
        if not task.cancelled() and (error := task.exception()):
            self.failure = "watching the registry stopped by itself; see the log and restart"
            log.error("%s", self.failure, exc_info=error)

    @property
    def degraded(self) -> dict[str, str]:
        """What serves something else than asked, with the reason."""
        return dict(self._degraded)

    @property
    def progress(self) -> tuple[int, int]:
        """Personas tried, and personas there are."""
        return len(self._tried.keys() & set(self._expected)), len(self._expected)

    def _degrade(self, name: str, reason: str) -> None:
        if self._degraded.get(name) != reason:
            log.warning("degraded: %s", reason)
        self._degraded[name] = reason

    def _recover(self, name: str) -> None:
        if self._degraded.pop(name, None):
            log.info("%s is as it should be again", name)

    def _summary(self) -> str:
        names = self._aliases.personas()
        return ", ".join(f"{n} → {self._aliases.serving(n)}" for n in names) or "no personas yet"
