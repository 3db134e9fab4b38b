"""The story of one message: limit → recall → prompt → stream → remember.

Platform-free: a message comes as `Incoming`, the answer goes to a `Reply`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any

from .access import Access
from .context import Context, Marks
from .errors import MemoryGone, StoppingNow, UnderstudyError
from .floor import Burst, Line, Lines
from .in_hand import DRAIN_SECONDS, InHand
from .limits import Limits, Verdict
from .memory import Admission, Claim, Lost, Memory, Recalled
from .messages import Incoming, Reply, as_remembered
from .people import People
from .personas import Personas
from .places import NOTHING_CHOSEN, Places, PlaceSettings, merged, sampled
from .retelling import Encore, Retelling, reclaim, turn_to
from .store import Ask, Store, unless_gone
from .voice import Speech, Voice

log = logging.getLogger(__name__)

FLOOR_PAUSES_SECONDS = (0.05, 0.1, 0.2)
LAST_FLOOR_PAUSE_SECONDS = 0.4
"""How often the floor is asked for while another process holds it."""


@dataclass(frozen=True, slots=True)
class _Admitted:
    """What the first round trip said of a message."""

    verdict: Verdict
    admission: Admission
    here: PlaceSettings
    marks: Marks


class Conversation:
    """Answers people, one at a time in each conversation and in order."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        memory: Memory,
        places: Places,
        people: People,
        personas: Personas,
        voice: Voice,
        burst_s: float = 0,
        access: Access | None = None,
    ) -> None:
        """Further messages of an author are waited for `burst_s` seconds before the model is
        asked."""
        self._store = store
        self._limits = limits
        self._memory = memory
        self._places = places
        self._people = people
        self._context = Context(store, people)
        self._personas = personas
        self._voice = voice
        self._burst_s = burst_s
        self._access = access or Access(places)
        self._lines = Lines()
        self._in_hand = InHand()

    async def answer(self, incoming: Incoming, reply: Reply) -> None:
        """Answer one message; what goes wrong on our side is said through `reply.finish`, and who
        is over a limit is told through `reply.notice`.

        Met with silence (nothing is called on `reply`) are who is not to be answered here, a
        duplicate, more messages of somebody who was just told about the limit, and what comes
        when the process is on its way out. Cancelling the task stops the answer and keeps what
        was said.
        """
        if self._in_hand.stopping:
            return
        claim = Claim(replace(incoming, text=as_remembered(incoming.text)))
        with self._in_hand.task(), self._lines.of(incoming.conversation) as line:
            if await self._access.refusal(incoming.author_id, incoming.roles, incoming.places):
                return
            try:
                admitted = await self._admit(claim, line)
            except MemoryGone as error:
                await reply.finish(error.spoken, error)
                return
            except asyncio.CancelledError as error:
                # It may be claimed by now, and would hold up those who come after it.
                await self._finish(claim, Verdict(), Speech(failure=self._cut_off(error)), reply)
                raise
            if admitted.admission.duplicate:
                await self._overlook(admitted.verdict)
            elif not admitted.verdict.allowed and not admitted.admission.again:
                await self._turn_away(claim, admitted.verdict, reply)
            else:
                async with self._memory.kept(claim):
                    await self._see_through(claim, admitted, line, reply)

    @property
    def under_way(self) -> int:
        """So many messages are being answered, or wait for it, in this process."""
        return len(self._in_hand)

    async def again(self, press: Incoming, shown_id: str, reply: Retelling) -> None:
        """Answer once more what the platform shows an answer to, or a failure, under this id.

        `press` is who asks for it, with an id of its own, and what stands around the question.
        Raises an UnderstudyError for them to read where what was shown before stays.
        """
        if self._in_hand.stopping:
            raise StoppingNow
        with self._in_hand.task(), self._lines.of(press.conversation) as line:
            async with line.door:
                claim, before, verdict = await reclaim(
                    self._store, self._memory, press, shown_id, self._limits
                )
            encore = Encore(reply, before, self._personas)
            admitted = _Admitted(verdict, Admission(), NOTHING_CHOSEN, {})
            async with self._memory.kept(claim):
                await self._see_through(claim, admitted, line, encore)
        if encore.failed is not None:
            raise encore.failed

    async def turn_to(self, press: Incoming, shown_id: str, step: int, reply: Retelling) -> None:
        """Show the answer `step` further among those to the same question: the conversation goes
        on from it. Raises an UnderstudyError for who asks."""
        if self._in_hand.stopping:
            raise StoppingNow
        with self._in_hand.task():
            await turn_to(self._store, self._memory, self._personas, press, shown_id, step, reply)

    async def drain(self, within_s: float = DRAIN_SECONDS) -> None:
        """Take no more messages; let the answers under way finish, and cut off who is too slow."""
        await self._in_hand.drain(within_s)

    async def _admit(self, claim: Claim, line: Line) -> _Admitted:
        """The first round trip: limits, claim, append; what holds here, and the window where it
        is its turn.

        The author's trace goes first: whatever happens on the way, what they said can be found.
        """
        said = claim.incoming
        traces = self._people.traces(said)
        choices, others = self._choices(said), self._context.others(said)
        async with line.door:
            counting = self._limits.counting(said)
            claiming, marking = self._memory.claim(claim), self._context.marks_of(others)
            replies = await self._store.ask_all(
                *traces, claiming, *choices, *marking, *counting.asks
            )
            mark, (admission, *rest) = replies[0], replies[len(traces) :]
            here, rest = rest[: len(choices)], rest[len(choices) :]
            marks, counts = rest[: len(others)], rest[len(others) :]
            verdict = await self._limits.verdict(counting, counts)
            known = dict(zip(others, marks, strict=True)) | {said.author_id: mark}
            return _Admitted(verdict, admission, merged(here), known)

    def _choices(self, incoming: Incoming) -> list[Ask[PlaceSettings]]:
        """The conversation itself is the narrowest of its places."""
        return self._places.reading(incoming.conversation, *incoming.places)

    async def _see_through(
        self, claim: Claim, admitted: _Admitted, line: Line, reply: Reply
    ) -> None:
        """From the floor to the end: recall, speak, show and remember, whatever happens."""
        speech, verdict, here = Speech(), admitted.verdict, admitted.here
        async with AsyncExitStack() as floor:
            try:
                async with line.burst(claim.author) as burst:
                    await floor.enter_async_context(line.floor)
                    recalled = admitted.admission.recalled
                    if recalled is None:
                        recalled, here = await self._wait_for_floor(claim)
                    await self._speak(claim, recalled, here, speech, reply, burst, admitted.marks)
                if burst.gave_way:
                    await self._leave_to_the_next(claim, reply)
                    return
            except Lost:
                log.warning("a message was taken over by another process")
                await self._overlook(verdict)
                return
            except UnderstudyError as error:
                log.warning("%s: %s", type(error).__name__, error)
                speech.failure = error
            except BaseException as error:
                speech.failure = self._cut_off(error)
                await self._finish(claim, verdict, speech, reply)
                raise
            await self._finish(claim, verdict, speech, reply)

    async def _speak(
        self,
        claim: Claim,
        recalled: Recalled,
        here: PlaceSettings,
        speech: Speech,
        reply: Reply,
        burst: Burst,
        marks: Marks,
    ) -> None:
        """The prompt and the stream: drafts on their way, every word kept in `speech`."""
        persona = sampled(await self._personas.chosen(here.persona), here)
        await reply.working(persona)
        if self._burst_s:
            await asyncio.sleep(self._burst_s)
        view = await self._context.view(claim.incoming, recalled, persona, marks)
        drafts = self._voice.speak(persona, view.window, speech, reply.waiting, view.pictures)
        async with aclosing(drafts):
            async for text in drafts:
                await burst.begin()
                await reply.draft(text)

    async def _leave_to_the_next(self, claim: Claim, reply: Reply) -> None:
        """The author went on typing: the next message's answer is for this one, too."""
        try:
            await reply.withdraw()
        finally:
            await unless_gone(
                lambda: self._memory.finish(claim),
                "a message that another one joined stays claimed for a while",
            )

    async def _wait_for_floor(self, claim: Claim) -> tuple[Recalled, PlaceSettings]:
        """One more trip, for having waited; many while another process answers here.

        What holds here is asked again: meanwhile somebody else may have been chosen.
        """
        asks: list[Ask[Any]] = [self._memory.take(claim), *self._choices(claim.incoming)]
        for pause_s in chain(FLOOR_PAUSES_SECONDS, repeat(LAST_FLOOR_PAUSE_SECONDS)):
            recalled, *here = await self._store.ask_all(*asks)
            if recalled:
                return recalled, merged(here)
            await asyncio.sleep(pause_s)
        raise AssertionError("the pauses never end")

    async def _finish(self, claim: Claim, verdict: Verdict, speech: Speech, reply: Reply) -> None:
        """Show the whole answer, then the second round trip: remember, settle, mark answered."""
        try:
            await reply.finish(speech.shown(), speech.failure)
        finally:
            answer = claim.named(speech.answer_to(claim.incoming.message_id))
            settling = verdict.settle(speech.tokens)
            await unless_gone(
                lambda: self._memory.finish(
                    claim, answer, speech.counts, shown_as=reply.shown_as, also=settling
                ),
                "an answer was given that can't be remembered",
            )

    async def _turn_away(self, claim: Claim, verdict: Verdict, reply: Reply) -> None:
        """Over the limit: said once, and the message is not remembered."""
        try:
            if verdict.first:
                await reply.notice(verdict.spoken, verdict.retry_after_s)
        finally:
            await unless_gone(
                lambda: self._memory.finish(claim, forget_question=True, also=verdict.refunds),
                "a message over the limit stays in memory",
            )

    async def _overlook(self, verdict: Verdict) -> None:
        """What another process has in hand costs nobody anything here."""
        await unless_gone(
            lambda: self._store.ask_all(*verdict.refunds),
            "a message was counted twice against its author",
        )

    def _cut_off(self, error: BaseException) -> UnderstudyError:
        if not isinstance(error, asyncio.CancelledError):
            return UnderstudyError(type(error).__name__)
        return self._in_hand.why_cut_off()
