"""Changes the version a persona serves, step by step, so that nobody notices.

    validate → load → probe → commit → flip → drain → retire

One rollout at a time per persona; until the flip every failure leaves the old version serving and
nothing of the new one behind. The version that served before stays loaded, so that a rollback is
instant. Knows no HTTP and, of vLLM, only what `slots.Engine` says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from adapters.registry import Registry, Unreachable

from .aliases import Aliases
from .base_model import ServedBase
from .errors import (
    Busy,
    EngineRefused,
    NothingToRollBack,
    Rejected,
    RolloutFailed,
)
from .metrics import Metrics
from .part import Outcome, Part, Rollout, Step
from .probe import Questions, probe
from .slots import Engine, Slot, Slots
from .validation import validate

log = logging.getLogger(__name__)

DRAIN_WAIT_S = 1.0
"""An admin's call waits this long for old answers to end; then they end by themselves."""


class Rollouts:
    """The rollouts of all personas over one registry and one engine."""

    def __init__(
        self,
        registry: Registry,
        engine: Engine,
        aliases: Aliases,
        served_base: Callable[[], Awaitable[ServedBase]],
        metrics: Metrics,
    ) -> None:
        self._registry, self._engine, self._aliases = registry, engine, aliases
        self._served_base, self._metrics = served_base, metrics
        self._winding_down: set[asyncio.Task[None]] = set()
        self.slots = Slots(engine, aliases)
        self.parts: dict[str, Part] = {}

    def part(self, persona: str) -> Part:
        return self.parts.setdefault(persona, Part(persona))

    def serving(self, persona: str) -> Slot | None:
        """The version that serves; None where the base model does."""
        version = self.part(persona).serving
        return None if version is None else self.slots.find(persona, version)

    async def reload(self, persona: str, version: int | None = None) -> Outcome:
        """Serve a version, the newest where none is named, and write it down as `current`.

        Raises UnknownPersona, Unreachable, Busy, RolloutFailed.
        """
        await self._look()
        self._registry.card(persona)
        if version is None:
            version = max(self._registry.versions(persona), default=None)
        if version is None:
            raise RolloutFailed(Step.VALIDATE, f"{persona} has no published version yet")
        return await self.change(persona, version, commit=True)

    async def rollback(self, persona: str) -> Outcome:
        """Serve the version that served before, else the newest one older than the present.

        Raises UnknownPersona, Unreachable, NothingToRollBack, Busy, RolloutFailed.
        """
        await self._look()
        self._registry.card(persona)
        part = self.part(persona)
        marked = self._registry.revoked(persona)
        published = [v for v in self._registry.versions(persona) if v not in marked]
        part.served_before = [v for v in part.served_before if v in published]
        choice = [*(v for v in published if v < (part.serving or 0)), *part.served_before]
        if not choice:
            raise NothingToRollBack(f"{persona} has no earlier version to go back to")
        return await self.change(persona, choice[-1], commit=True, back=True)

    async def _look(self) -> None:
        """See what was published a moment ago; a mirror out of reach still knows what was before.

        Raises Unreachable for a folder: one that can't be read is not an empty one.
        """
        try:
            await asyncio.to_thread(self._registry.refresh)
        except Unreachable:
            if not self._registry.remote:
                raise

    async def change(
        self, persona: str, version: int, *, commit: bool, back: bool = False
    ) -> Outcome:
        """Take a persona through every step to a version; `commit` writes it down as `current`.

        A change that an operator asked for (commit) waits for one that merely follows the
        registry. Raises Busy, RolloutFailed.
        """
        part = self.part(persona)
        while part.busy and part.rollout:
            if part.rollout.commit or not commit:
                self._metrics.rollout(persona, "refused", "busy")
                raise Busy(persona, part.rollout.step)
            await part.idle.wait()
        rollout, previous = Rollout(persona, version, commit, self._metrics), part.serving
        began = monotonic()
        await self._run(part, rollout, back)
        outcome = Outcome(persona, version, previous, round(monotonic() - began, 3))
        log.info("%s now serves version %d (%.2f s)", persona, version, outcome.seconds)
        await self._wind_down(part, rollout)
        return outcome

    async def _run(self, part: Part, rollout: Rollout, back: bool) -> None:
        """The steps up to the flip; whatever fails before it leaves things as they were."""
        part.busy, part.rollout = True, rollout
        part.idle.clear()
        try:
            slot = await self._slot_for(rollout)
            try:
                await self._prepare(rollout, slot)
            except BaseException:
                await self._give_up(part, slot)
                raise
            self._flip(part, rollout, slot, back)
        except RolloutFailed as error:
            self._metrics.rollout(part.persona, "failed", f"{error.step}: {error.kind}")
            raise
        else:
            self._metrics.rollout(part.persona, "rolled_back" if back else "done")
        finally:
            part.busy = False
            part.idle.set()

    async def _slot_for(self, rollout: Rollout) -> Slot:
        """The version's slot in the engine: the one it has already, else a new one."""
        persona, version = rollout.persona, rollout.version
        with rollout.at(Step.VALIDATE):
            await self.slots.left(persona, version)
            if rollout.commit and version in self._registry.revoked(persona):
                raise Rejected(
                    f"version {version} was trained on somebody who has withdrawn their consent; "
                    "train the persona again and publish that"
                )
            sealed = self._registry.sealed(persona, version)
            slot = self.slots.find(persona, version)
            if slot is None:
                return self.slots.take(persona, version, sealed)
            if slot.sealed != sealed:
                raise Rejected(
                    f"version {version} was changed after it was loaded, and versions never "
                    "change: publish a new one"
                )
            self.slots.hold(slot)
            return slot

    async def _prepare(self, rollout: Rollout, slot: Slot) -> None:
        if not slot.served:
            await self._try(rollout, slot)
        if rollout.commit:
            with rollout.at(Step.COMMIT):
                await asyncio.to_thread(
                    self._registry.set_current, rollout.persona, rollout.version
                )

    async def _give_up(self, part: Part, slot: Slot) -> None:
        """Leave things as they were: a version that never served goes again."""
        if slot.served:
            slot.held = part.serving == slot.version
            return
        try:
            await self.slots.remove(slot)
        except EngineRefused as error:
            log.error("%s could not be removed again: %s", slot.name, error)

    async def _try(self, rollout: Rollout, slot: Slot) -> None:
        persona, version = rollout.persona, rollout.version
        with rollout.at(Step.VALIDATE):
            folder = await asyncio.to_thread(self._registry.fetch, persona, version)
            manifest = self._registry.manifest(persona, version)
            base, rank = await self._served_base(), self._engine.max_rank
            await asyncio.to_thread(validate, folder, persona, version, manifest, base, rank)
        with rollout.at(Step.LOAD):
            await self.slots.make_room()
            await self._engine.load(slot.name, folder)
        with rollout.at(Step.PROBE):
            card = self._registry.card(persona)
            system_prompt = manifest.system_prompt or card.system_prompt
            questions = Questions(
                system_prompt, card.starters, card.sampling, manifest.prompt_format
            )
            await probe(self._engine, slot.name, questions)

    def _flip(self, part: Part, rollout: Rollout, slot: Slot, back: bool) -> None:
        with rollout.at(Step.FLIP):
            self._aliases.open(slot.name)
            self._aliases.point(part.persona, slot.name)
            part.took_over(rollout.version, back=back)
            self._metrics.serves(part.persona, rollout.version)
            for other in self.slots.of(part.persona):
                other.held = other is slot
            slot.served = True

    async def _wind_down(self, part: Part, rollout: Rollout) -> None:
        """Retire all but the version that serves and the one before it; wait a moment at most."""
        others = [s for s in self.slots.of(part.persona) if s.version != part.serving]
        task = asyncio.create_task(self._retire(rollout, others[:-1]))
        self._winding_down.add(task)
        task.add_done_callback(self._winding_down.discard)
        await asyncio.wait({task}, timeout=DRAIN_WAIT_S)

    async def _retire(self, rollout: Rollout, slots: list[Slot]) -> None:
        try:
            for slot in slots:
                if slot.held:  # a later rollout has taken it up again
                    continue
                with rollout.at(Step.DRAIN):
                    self._aliases.close(slot.name)
                    await self._aliases.drained(slot.name)
                with rollout.at(Step.RETIRE):
                    if not slot.held:  # or while it drained
                        await self.slots.remove(slot)
        except RolloutFailed as error:
            log.error("%s@%d: %s", rollout.persona, rollout.version, error)
        else:
            rollout.step = Step.DONE

    async def close(self) -> None:
        """Stop waiting for old answers."""
        for task in list(self._winding_down):
            task.cancel()
