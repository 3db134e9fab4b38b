"""Another answer to the same question: where the one before stays, one step away.

Knows what people see of a question's answers; how one is made is the conversation's.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from .cards import Persona
from .errors import OverLimit, UnderstudyError
from .exchanges import Exchange
from .limits import Limits, Verdict
from .memory import Claim, Memory, new_token
from .messages import Incoming, Reply
from .personas import Personas
from .scripts import ANSWERS_KEPT
from .store import Store, unless_gone
from .turns import PERSONA, Turn


class Retelling(Reply, Protocol):
    """A reply that stands where an answer stands already, or a failure in its place."""

    def among(self, which: int, of: int) -> None:
        """What is shown in the end is this one (from 1) of so many answers."""

    def speak_as(self, persona: Persona | None) -> None:
        """What is shown in the end was said by this persona, or by one that is gone."""


class Encore:
    """The `Reply` that another answer goes to; without a word of it the one before comes back."""

    def __init__(self, reply: Retelling, exchange: Exchange, personas: Personas) -> None:
        self._reply = reply
        self._before = exchange
        self._personas = personas
        self.failed: UnderstudyError | None = None
        """Why the answer before came back, for who asked to read."""

    async def working(self, persona: Persona) -> None:
        await self._reply.working(persona)

    async def waiting(self, ahead: int) -> None:
        await self._reply.waiting(ahead)

    async def draft(self, text: str) -> None:
        await self._reply.draft(text)

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:
        count, before = len(self._before.answers), self._before.answer
        said = failure is None or text != failure.spoken
        if before is not None and not said:
            self.failed = failure
            await show(self._reply, self._before, self._before.shown, self._personas)
            return
        if said:
            number = min(count + 1, ANSWERS_KEPT)
            self._reply.among(number, number)
        await self._reply.finish(text, failure)

    async def withdraw(self) -> None:
        await self._reply.withdraw()

    async def notice(self, text: str, for_s: float) -> None:
        await self._reply.notice(text, for_s)

    @property
    def shown_as(self) -> tuple[str, ...]:
        return self._reply.shown_as


async def show(reply: Retelling, exchange: Exchange, position: int, personas: Personas) -> Turn:
    """One of the answers that there are, as it was said and by whom."""
    answer = exchange.answers[position]
    reply.among(position + 1, len(exchange.answers))
    reply.speak_as(await _speaker(answer, personas))
    await reply.finish(answer.text)
    return answer


async def _speaker(answer: Turn, personas: Personas) -> Persona | None:
    try:
        return await personas.get(answer.author_id.removeprefix(PERSONA))
    except UnderstudyError:
        return None


async def reclaim(
    store: Store, memory: Memory, press: Incoming, shown_id: str, limits: Limits | None = None
) -> tuple[Claim, Exchange, Verdict]:
    """The right to answer a question anew, in one round trip; counted against who asks for it.

    Raises NotRemembered, AnsweringAlready, OverLimit; nothing is counted and claimed then. Nor is
    anything claimed once it is cancelled.
    """
    reclaiming = asyncio.create_task(_reclaim(store, memory, press, shown_id, limits))
    try:
        return await asyncio.shield(reclaiming)
    except asyncio.CancelledError:
        with suppress(UnderstudyError):
            claim, _, verdict = await reclaiming
            await _give_up(memory, claim, verdict)
        raise


async def _reclaim(
    store: Store, memory: Memory, press: Incoming, shown_id: str, limits: Limits | None
) -> tuple[Claim, Exchange, Verdict]:
    token = new_token()
    claiming = memory.reclaim(press.conversation, shown_id, token)
    counting = limits.counting(press) if limits else None
    found, *counts = await store.ask_all(claiming, *(counting.asks if counting else ()))
    verdict = await limits.verdict(counting, counts) if limits and counting else Verdict()
    if isinstance(found, UnderstudyError):
        await store.ask_all(*verdict.refunds)
        raise found
    claim = Claim(_asked(press, found.question), token, press.message_id)
    if not verdict.allowed:
        await _give_up(memory, claim, verdict)
        raise OverLimit(spoken=verdict.spoken)
    return claim, found, verdict


async def turn_to(
    store: Store,
    memory: Memory,
    personas: Personas,
    press: Incoming,
    shown_id: str,
    step: int,
    reply: Retelling,
) -> None:
    """Show, and remember as the answer, the one that is `step` further, if there is one."""
    claim, exchange, _ = await reclaim(store, memory, press, shown_id)
    position, answer = exchange.shown + step, None
    try:
        if 0 <= position < len(exchange.answers):
            answer = await show(reply, exchange, position, personas)
    finally:
        await unless_gone(
            lambda: memory.finish(claim, answer, shown_as=reply.shown_as if answer else ()),
            "which answer people see can't be remembered",
        )


async def _give_up(memory: Memory, claim: Claim, verdict: Verdict) -> None:
    """Nothing comes of it, and it costs nobody anything."""
    await unless_gone(
        lambda: memory.finish(claim, also=verdict.refunds),
        "a question that is not answered anew stays claimed for a while",
    )


def _asked(press: Incoming, question: Turn) -> Incoming:
    """The question as if it was asked anew where the press happened, in what stood around it."""
    return Incoming(
        press.conversation,
        question.message_id,
        question.author_id,
        question.author_name,
        question.text,
        press.places,
        around=press.around,
    )
