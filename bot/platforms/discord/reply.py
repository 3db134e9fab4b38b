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

import aiohttp
import discord

from bot.cards import Persona
from bot.errors import UnderstudyError
from bot.messages import waiting_line

from .buttons import NOTHING, WHILE_SPEAKING, Buttons, at_the_end
from .delivery import Outbox
from .errors import MayNotWrite, Undeliverable
from .splitting import split

log = logging.getLogger(__name__)

EDIT_EVERY_S = 1.25
"""Discord takes about 5 edits in 5 s: four drafts, and the end of the answer need not wait."""
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
        self._ended = asyncio.Event()
        self._news = asyncio.Event()
        self._shown: list[Shown] = list(instead_of)
        self._typing: asyncio.Task[None] | None = None
        self._showing: asyncio.Task[None] | None = None

    @property
    def finished(self) -> bool:
        return self._ended.is_set()

    @property
    def shown_as(self) -> tuple[str, ...]:
        return tuple(str(shown.message.id) for shown in self._shown)

    async def working(self, persona: Persona) -> None:
        self.persona = persona
        self._typing = asyncio.create_task(self._type())

    async def waiting(self, ahead: int) -> None:
        self._leave(waiting_line(ahead))

    async def draft(self, text: str) -> None:
        self._leave(text)

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:
        """Returns when the whole text stands there, or can't."""
        self.failure = failure
        self._ended.set()
        showing = self._leave(text or SPEECHLESS)
        # Whoever is cut off while the tail is flushed still leaves it to be flushed.
        await asyncio.shield(showing)

    def among(self, which: int, of: int) -> None:
        self._among = which, of

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
        with suppress(Undeliverable, discord.HTTPException, aiohttp.ClientError, TimeoutError):
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
                await self._bring_up_to(split(self._newest), self._buttons(final))
                if final:
                    return
                await self._pause()
        except Undeliverable as error:
            await self._give_up(error)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.error("an answer could not be shown on Discord: %s", error)
        finally:
            self._stop_typing()

    async def _pause(self) -> None:
        """Until the next edit is due and there is something new; the end is due at once."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self._edit_every_s)
        await self._news.wait()

    async def _bring_up_to(self, parts: list[str], last: Buttons) -> None:
        """`last` hang under the last part, and nothing under the others."""
        if parts:
            self._stop_typing()
        for position, part in enumerate(parts):
            buttons = last if position == len(parts) - 1 else NOTHING
            if position == len(self._shown):
                view = buttons.view()
                message = await self._outbox.post(part, as_reply=position == 0, view=view)
                self._shown.append(Shown(message, part, buttons))
            else:
                await self._change(self._shown[position], part, buttons)
        while parts and len(self._shown) > len(parts):
            await self._outbox.delete(self._shown.pop().message)

    async def _change(self, shown: Shown, text: str, buttons: Buttons) -> None:
        if shown.buttons != buttons:
            await self._outbox.edit(shown.message, text, buttons.view())
        elif shown.text != text:
            await self._outbox.edit(shown.message, text)
        shown.text, shown.buttons = text, buttons

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
                await asyncio.Event().wait()
        except (discord.HTTPException, aiohttp.ClientError) as error:
            log.debug("typing could not be shown: %s", error)

    def _stop_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            self._typing = None
