"""What is asked beside a conversation: limits → voice → settle, and nothing is remembered.

Knows on whose account a persona speaks and within which bounds; knows neither platform nor why
it is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass

from .cards import Persona
from .errors import OverLimit, StoppingNow, SwitchedOff, UnderstudyError
from .in_hand import DRAIN_SECONDS, InHand
from .limits import Limits, Verdict
from .memory import Turn
from .messages import Incoming
from .places import UNSET, Places, PlaceSettings, merged, sampled
from .store import Ask, Store, unless_gone
from .voice import Speech, Voice, unseen

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody may ask: on whose account it goes, and an administrator's bounds."""

    verdict: Verdict
    bounds: PlaceSettings


class Asking:
    """Lets personas speak outside of the conversation's own turns, counted as its answers are."""

    def __init__(self, store: Store, limits: Limits, places: Places, voice: Voice) -> None:
        self._store = store
        self._limits = limits
        self._places = places
        self._voice = voice
        self._in_hand = InHand()

    async def admit(self, said: Incoming, answers: int = 1) -> Leave:
        """Count so many answers for the author of `said`, all of them or none.

        Raises OverLimit, SwitchedOff, StoppingNow, MemoryGone.
        """
        if self._in_hand.stopping:
            raise StoppingNow
        counted: list[Ask[int]] = []
        for _ in range(answers):
            verdict, here = await self._count(said)
            counted += verdict.refunds
            if here.mode == "off" or not verdict.allowed:
                await self._store.ask_all(*counted)
                raise SwitchedOff if here.mode == "off" else OverLimit(spoken=verdict.spoken)
        # What people chose for the conversation is about who speaks in it.
        bounds = here.model_copy(update=dict.fromkeys(UNSET))
        return Leave(verdict, bounds)

    async def speak(
        self,
        leave: Leave,
        persona: Persona,
        window: Sequence[Turn],
        speech: Speech,
        *,
        others: Sequence[str] = (),
        waiting: Callable[[int], Awaitable[None]] = unseen,
        draft: Callable[[str], Awaitable[None]] = unseen,
    ) -> None:
        """One answer to the window's last turn; all of it, and what failed, is in `speech`.

        `waiting` and `draft` are called as a Reply's would be. Cancelling it keeps what was said.
        """
        speaker = sampled(persona, leave.bounds)
        drafts = self._voice.speak(speaker, window, speech, waiting, others=others)
        try:
            async with aclosing(drafts):
                async for text in drafts:
                    await draft(text)
        except UnderstudyError as error:
            log.warning("%s: %s", type(error).__name__, error)
            speech.failure = error
        except asyncio.CancelledError:
            speech.failure = self._in_hand.why_cut_off()
            raise
        finally:
            await self._settle(leave, speech)

    def under_way(self, hurry: Callable[[], object] = lambda: None) -> AbstractContextManager[None]:
        """What the process waits for at its end; `hurry` is called when that has come."""
        return self._in_hand.task(hurry)

    async def drain(self, within_s: float = DRAIN_SECONDS) -> None:
        """Begin nothing more; let what is under way come to its end, and cut off what is slow."""
        await self._in_hand.drain(within_s)

    async def _count(self, said: Incoming) -> tuple[Verdict, PlaceSettings]:
        counting = self._limits.counting(said)
        reading = self._places.reading(said.conversation, *said.places)
        replies = await self._store.ask_all(*reading, *counting.asks)
        here, counts = replies[: len(reading)], replies[len(reading) :]
        return await self._limits.verdict(counting, counts), merged(here)

    async def _settle(self, leave: Leave, speech: Speech) -> None:
        await unless_gone(
            lambda: self._store.ask_all(*leave.verdict.settle(speech.tokens)),
            "an answer's tokens could not be counted",
        )
