"""Brings what is served into line with what the registry says: at start, and whenever it changes.

A version that can't be served degrades its own persona, to the newest older version that can or
to the base model with the persona's prompt, and says so; it never takes another persona down. A
registry that can't be reached takes nothing down either: what is loaded serves on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress

from adapters.manifest import BASE
from adapters.registry import Registry, RegistryError, Unreachable

from .aliases import Aliases
from .errors import Busy, RolloutFailed
from .metrics import Metrics
from .news import News
from .rollout import Rollouts

log = logging.getLogger(__name__)

REGISTRY = "registry"
"""The name under which an unreachable registry is reported as degraded."""
FOLDER_WATCH_S = 2.0
REMOTE_WATCH_S = 15.0


def watch_seconds(registry: Registry, asked: float | None) -> float:
    """How often to look: what was asked for, else often at a folder and seldom elsewhere."""
    return asked or (REMOTE_WATCH_S if registry.remote else FOLDER_WATCH_S)


class Reconciler:
    """With `adopt`, a version that is published while the server runs is served at once.

    What was published while the server was down, or before it first reached its registry, waits
    for a reload.
    """

    def __init__(
        self,
        registry: Registry,
        rollouts: Rollouts,
        aliases: Aliases,
        metrics: Metrics,
        watch_s: float,
        *,
        adopt: bool = False,
    ) -> None:
        self._registry, self._rollouts, self._aliases = registry, rollouts, aliases
        self._watch_s, self._adopt, self._metrics = watch_s, adopt, metrics
        self._news = News()
        self._tried: dict[str, tuple[int | None, str | None]] = {}
        self._again: set[str] = set()
        """Personas to be tried once more when the registry can be reached again."""
        self._degraded: dict[str, str] = {}
        self._expected: list[str] = []
        self.revoked: dict[str, str] = {}
        """Who serves a version that learned from somebody who has withdrawn their consent."""
        self.ready = False
        self.failure: str | None = None
        self.registry_trouble: str | None = None

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
        await self._look()
        if not self.registry_reachable and not self._registry.remote:
            return  # a folder that can't be read is not an empty one
        try:
            published = await asyncio.to_thread(self._published)
        except OSError as error:
            self._lost(f"the registry can't be read: {error.strerror}")
            return
        self._expected = names = sorted(published)
        news = self._news.of(published) if self.registry_reachable else {}
        for name in names:
            self._aliases.expect(name)
        for name in names:
            await self._alone(name, self.settle(name))
        for name, version in news.items():
            await self._alone(name, self._hear(name, version))
        self._warn(await asyncio.to_thread(self._marked, names))

    def _marked(self, names: list[str]) -> dict[str, list[int]]:
        with suppress(OSError):
            return {name: self._registry.revoked(name) for name in names}
        return {}

    def _warn(self, marked: dict[str, list[int]]) -> None:
        """Loudly, and once for each version: whether it goes on is for its owner to decide."""
        for name, versions in marked.items():
            serving = self._rollouts.part(name).serving
            if serving not in versions:
                self.revoked.pop(name, None)
                continue
            said = (
                f"CONSENT WITHDRAWN: {name}@{serving} was trained on somebody who has withdrawn "
                f"their consent; train and publish {name} again and reload, or remove it"
            )
            if self.revoked.get(name) != said:
                log.error(said)
            self.revoked[name] = said

    async def _look(self) -> None:
        """See what is new at the registry, or that it can't be reached."""
        try:
            await asyncio.to_thread(self._registry.refresh)
        except RegistryError as error:
            self._lost(str(error))
            return
        if self.registry_trouble is not None:
            log.info("the registry can be reached again")
        self.registry_trouble = None
        self._metrics.registry_reachable(True)

    def _lost(self, trouble: str) -> None:
        if self.registry_trouble is None:
            log.warning("degraded: %s; what is loaded serves on", trouble)
        self.registry_trouble = trouble
        self._metrics.registry_reachable(False)

    async def _hear(self, name: str, version: int) -> None:
        """A version newer than all seen before was published: adopt it, or say that it is there."""
        if version in (self._rollouts.part(name).serving, self._wanted(name)[0]):
            return
        if not self._adopt:
            log.info("%s@%d was published; reload %s to serve it", name, version, name)
            return
        log.info("%s@%d was published and is adopted", name, version)
        try:
            await self._rollouts.change(name, version, commit=True)
        except Busy:
            self._news.repeat(name, version)
        except RolloutFailed as error:
            if _was_unreachable(error):
                self._news.repeat(name, version)
            self._degrade(name, f"version {version} was not adopted: {error}")
        else:
            self.settled(name, version)

    async def _alone(self, name: str, doing: Awaitable[None]) -> None:
        """What nobody foresaw about one persona must not keep the others from being served."""
        try:
            await doing
        except Exception as error:
            log.exception("%s could not be brought into line", name)
            self._degrade(name, f"{name} met an unforeseen {type(error).__name__}; see the log")
            self._tried[name] = self._wanted(name)
            self._fall_back_to_base(name)

    def _fall_back_to_base(self, name: str) -> None:
        if self._aliases.serving(name) is None:
            self._aliases.point(name, BASE)
            if self._metrics:
                self._metrics.serves(name, None)

    async def settle(self, name: str) -> None:
        """Bring one persona into line, if the registry says something new about it."""
        self._aliases.expect(name)
        part = self._rollouts.part(name)
        wanted, trouble = self._wanted(name)
        again = name in self._again and self.registry_reachable
        if part.busy or (self._tried.get(name) == (wanted, trouble) and not again):
            return
        self._again.discard(name)
        if trouble is None and wanted in (None, part.serving):
            self._recover(name)
        elif not await self._serve_best(name, wanted, trouble):
            return
        self._fall_back_to_base(name)
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
                if _was_unreachable(error):
                    self._again.add(name)
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

    def _published(self) -> dict[str, set[int]]:
        """Every persona's versions. Raises OSError."""
        return {name: set(self._registry.versions(name)) for name in self._registry.names()}

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
        if self.registry_trouble is None:
            return dict(self._degraded)
        troubles = (self.registry_trouble, self._degraded.get(REGISTRY))
        return {**self._degraded, REGISTRY: "; ".join(filter(None, troubles))}

    @property
    def registry_reachable(self) -> bool:
        """Whether the registry could be read at the last look."""
        return self.registry_trouble is None

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


def _was_unreachable(error: RolloutFailed) -> bool:
    """Whether only the registry's absence stopped a rollout, so that it may be tried again."""
    return isinstance(error.__cause__, Unreachable)
