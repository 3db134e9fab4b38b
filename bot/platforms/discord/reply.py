"""One answer on Discord: typing, a message that grows by edits, its tail in further ones.

The conversation never waits for Discord while it streams: a draft only leaves the newest text,
and one task shows it, with one request in flight. What came in the meantime is one edit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import discord

from bot.cards import Persona
from bot.errors import StoppingNow, UnderstudyError
from bot.messages import waiting_line

from .bursts import segments
from .buttons import NOTHING, WHILE_SPEAKING, Buttons, at_the_end
from .delivery import Outbox
from .errors import FAILURES, MayNotWrite, Undeliverable
from .jumping import asked_above, leading
from .listening import SUBTEXT
from .splitting import split

log = logging.getLogger(__name__)

EDIT_EVERY_S = 1.25
"""Discord takes about 5 edits in 5 s: four drafts, and the end of the answer need not wait."""
TYPING_BACK_S = 1.0
"""A request cut off takes its connection with it, and the next one waits for a new one: typing that
is on its way when the first words are there may come back. One held up by a limit may not."""
SPEECHLESS = "…"
NOTICE_S = 15.0
"""A notice stays no longer than it takes to read it."""


@dataclass
class Shown:
    message: discord.Message
    text: str
    buttons: Buttons = NOTHING


class DiscordReply:
    """The `Reply` of the conversation; Discord's own failures end here, in the log."""

    def __init__(
        self,
        outbox: Outbox,
        edit_every_s: float = EDIT_EVERY_S,
        *,
        feedback: bool = False,
        instead_of: Sequence[Shown] = (),
    ) -> None:
        """`feedback` says whether the answer may be judged; `instead_of` are the messages that it
        is shown in the place of."""
        self._outbox = outbox
        self._edit_every_s = edit_every_s
        self._feedback = feedback
        self._among = (0, 0)
        self._newest = ""
        self.passes_after_s: float | None = None
        """What was said is a notice: it is to be taken away again after this time."""
        self.persona: Persona | None = None
        """Who speaks, as soon as it is known."""
        self.failure: UnderstudyError | None = None
        self.notes: tuple[str, ...] = ()
        """What the person should know beside the answer; small, under it."""
        self.unwanted = False
        """The question is gone: nothing is said to it."""
        self._ended = asyncio.Event()
        self._news = asyncio.Event()
        self._shown: list[Shown] = list(instead_of)
        before = self._shown[0].message.content if self._shown else ""
        self._lead_chars = len(leading(before))
        """What leads the messages whose place the answer takes stays there."""
        self.heading = asked_above(before)
        """Stands above the answer, from its first draft on."""
        self._posted_at_s = 0.0
        self._typing: asyncio.Task[None] | None = None
        self._typed = asyncio.Event()
        self._showing: asyncio.Task[None] | None = None

    @property
    def finished(self) -> bool:
        return self._ended.is_set()

    @property
    def shown_as(self) -> tuple[str, ...]:
        return tuple(str(shown.message.id) for shown in self._shown)

    async def working(self, persona: Persona) -> None:
        self.speak_as(persona)
        self._typing = asyncio.create_task(self._type())

    async def waiting(self, ahead: int) -> None:
        self._leave(waiting_line(ahead))

    async def draft(self, text: str) -> None:
        self._leave(text)

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:
        """Returns when the whole text stands there, or can't."""
        self.failure = failure
        self._ended.set()
        if self.unwanted:
            self.close()
            return
        showing = self._leave(text or SPEECHLESS)
        # Whoever is cut off while the tail is flushed still leaves it to be flushed.
        await asyncio.shield(showing)

    def among(self, which: int, of: int) -> None:
        self._among = which, of

    def speak_as(self, persona: Persona | None) -> None:
        self.persona = persona
        self._outbox.speak_as(persona)

    async def notice(self, text: str, for_s: float) -> None:
        self.passes_after_s = min(for_s, NOTICE_S)
        await self.finish(text)

    async def withdraw(self) -> None:
        self._ended.set()
        if self._showing is not None:
            self._newest = ""
            self._news.set()
            await asyncio.shield(self._showing)
        await self.take_away()

    async def take_away(self) -> None:
        """Nothing is left of what was shown."""
        with suppress(Undeliverable, *FAILURES):
            while self._shown:
                await self._outbox.delete(self._shown.pop().message)

    def close(self) -> None:
        """For an answer that ends without a word (a duplicate, a message taken over)."""
        self._stop_typing()

    def _leave(self, text: str) -> asyncio.Task[None]:
        self._newest = text
        self._news.set()
        if self._showing is None:
            self._showing = asyncio.create_task(self._show())
        return self._showing

    async def _show(self) -> None:
        try:
            while True:
                self._news.clear()
                final = self._ended.is_set()
                await self._bring_up_to(await self._parts(self._newest), self._buttons(final))
                if final:
                    return
                await self._pause()
        except Undeliverable as error:
            await self._give_up(error)
        except FAILURES as error:
            log.error("an answer could not be shown on Discord: %s", error)
        finally:
            self._stop_typing()

    async def _pause(self) -> None:
        """Until the next edit is due and there is something new; the end is due at once."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self._edit_every_s)
        await self._news.wait()

    async def _parts(self, text: str) -> list[str]:
        if not text:
            return []
        lead = max(await self._outbox.lead_chars(), self._lead_chars)
        said = self._segments(text) or [""]
        said[0] = self.heading + said[0]
        if self.finished:
            said[-1] = "\n".join((said[-1], *(f"{SUBTEXT}{note}" for note in self.notes)))
        first, *more = said
        return split(first, lead=lead) + [part for one in more for part in split(one)]

    def _segments(self, text: str) -> list[str]:
        """Who was trained on somebody's bursts sends some; others' line breaks mean nothing."""
        if self.persona is None or self.persona.current is None:
            return [text]
        if not (separator := self.persona.prompt_format.burst_separator):
            return [text]
        return segments(text, separator, f"\n({self.failure.spoken})" if self.failure else "")

    async def _bring_up_to(self, parts: list[str], last: Buttons) -> None:
        """`last` hang under the last part, and nothing under the others."""
        if parts:
            self._stop_typing()
        for position, part in enumerate(parts):
            buttons = last if position == len(parts) - 1 else NOTHING
            if position == len(self._shown):
                view = buttons.view()
                await self._breathe()
                message = await self._outbox.post(part, as_reply=position == 0, view=view)
                self._posted_at_s = monotonic()
                self._shown.append(Shown(message, part, buttons))
            else:
                self._shown[position] = await self._changed(self._shown[position], part, buttons)
        while parts and len(self._shown) > len(parts):
            await self._outbox.delete(self._shown.pop().message)

    async def _changed(self, shown: Shown, text: str, buttons: Buttons) -> Shown:
        message = shown.message
        if shown.buttons != buttons:
            message = await self._outbox.edit(message, text, view=buttons.view())
        elif shown.text != text:
            message = await self._outbox.edit(message, text)
            if message.id != shown.message.id:  # a whole new one, as yet without buttons
                message = await self._outbox.edit(message, text, view=buttons.view())
        return Shown(message, text, buttons)

    async def _breathe(self) -> None:
        """Sends of one answer are as far apart as its edits: as many are allowed."""
        if self._shown and not isinstance(self.failure, StoppingNow):
            await asyncio.sleep(self._posted_at_s + self._edit_every_s - monotonic())

    def _buttons(self, final: bool) -> Buttons:
        if not final:
            return WHILE_SPEAKING
        if self.passes_after_s is not None:
            return NOTHING
        said = self.failure is None or self._newest != self.failure.spoken
        return at_the_end(said, self.failure, self._feedback, *self._among)

    async def _give_up(self, error: Undeliverable) -> None:
        log.warning("an answer ended early on Discord: %s", error)
        if isinstance(error, MayNotWrite):
            await self._outbox.tell_privately(error)

    async def _type(self) -> None:
        try:
            async with self._outbox.typing():
                await self._typed.wait()
        except FAILURES as error:
            log.debug("typing could not be shown: %s", error)

    def _stop_typing(self) -> None:
        if self._typing is not None:
            self._typed.set()
            asyncio.get_running_loop().call_later(TYPING_BACK_S, self._typing.cancel)
            self._typing = None
