"""Sends and edits in one channel that survive lost answers and bad moments.

discord.py itself waits for rate limits and repeats after 500, 502 and 504; what it raises and
what may still pass is repeated here. A send carries a nonce that Discord enforces, so that one
which happened although its answer was lost is not there twice.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import aiohttp
import discord
from discord.ui import View
from discord.utils import MISSING

from bot.cards import Persona

from .errors import FAILURES, FaceGone, MayNotWrite, PlaceGone, Undeliverable

log = logging.getLogger(__name__)

PAUSES_S = (0.2, 1.5, 5.0)
LONGEST_PAUSE_S = 30.0
REPLY_NEEDS_HISTORY = 160002
UNKNOWN_WEBHOOK = 10015
Result = TypeVar("Result")


class Outbox:
    """Where the answer to one message goes: a reply to it first, then plain messages."""

    def __init__(
        self,
        to: discord.Message | discord.abc.MessageableChannel,
        pauses_s: tuple[float, ...] = PAUSES_S,
        asker: discord.User | discord.Member | None = None,
    ) -> None:
        """What is said `to` a channel answers nobody: it is no reply and pings nobody. `asker` is
        who asked, where that is not the author of the message replied to."""
        self._asked = to if isinstance(to, discord.Message) else None
        self._channel = to.channel if isinstance(to, discord.Message) else to
        self._asker = asker or (self._asked.author if self._asked else None)
        self._reference = (
            self._asked.to_reference(fail_if_not_exists=False) if self._asked else None
        )
        self._pauses_s = pauses_s
        # The person answered may be pinged, by the reply or by name; nobody else ever is.
        self._pings = discord.AllowedMentions(
            everyone=False,
            roles=False,
            users=[self._asker] if self._asker else False,
            replied_user=self._asked is not None and asker is None,
        )

    def speak_as(self, persona: Persona | None) -> None:
        """Who speaks from now on; the bot itself, where there are no faces or nobody is known."""

    async def lead_chars(self) -> int:
        """So many characters of the reply are not for the text."""
        return 0

    def typing(self) -> AbstractAsyncContextManager[None]:
        return self._channel.typing()

    async def post(self, text: str, *, as_reply: bool, view: View | None = None) -> discord.Message:
        """Raises Undeliverable, or discord.py's error when Discord stays broken."""
        nonce = secrets.randbits(64)
        reference = self._reference if as_reply else None

        async def send(reference: discord.MessageReference | None) -> discord.Message:
            return await self._channel.send(
                text,
                nonce=nonce,
                reference=reference,  # type: ignore[arg-type]  # None is what it means by default
                allowed_mentions=self._pings,
                suppress_embeds=True,
                view=view,  # type: ignore[arg-type]  # as above
            )

        try:
            return await self._attempt(lambda: send(reference))
        except discord.Forbidden as error:
            if error.code != REPLY_NEEDS_HISTORY:
                raise MayNotWrite(self._place) from error
            return await self._attempt(lambda: send(None))

    async def edit(
        self, message: discord.Message, text: str, *, view: View | None = MISSING
    ) -> discord.Message:
        """The message that shows the text now: mostly the same one. Without `view` its buttons
        stay, None takes them away. Raises Undeliverable, or discord.py's error when Discord stays
        broken."""
        try:
            # discord.py's `suppress` is False by default, which would bring the embeds back.
            await self._attempt(
                lambda: message.edit(
                    content=text, suppress=True, allowed_mentions=self._pings, view=view
                )
            )
        except discord.Forbidden as error:
            raise MayNotWrite(self._place) from error
        return message

    async def delete(self, message: discord.Message) -> None:
        await self._attempt(message.delete)

    async def tell_privately(self, error: Undeliverable) -> None:
        """Says in a direct message why there is no answer where it was asked for."""
        if self._asker is None or self._asked is None or self._asked.guild is None:
            return
        try:
            await self._asker.send(error.spoken)
        except FAILURES as refused:
            log.info("could not tell the person privately: %s", refused)

    @property
    def _place(self) -> str:
        return f"#{getattr(self._channel, 'name', 'our direct messages')}"

    async def _attempt(self, call: Callable[[], Awaitable[Result]]) -> Result:
        for pause_s in self._pauses_s:
            try:
                return await call()
            except (aiohttp.ClientConnectionError, TimeoutError) as error:
                log.info("Discord's answer was lost (%s); once more", type(error).__name__)
            except discord.NotFound as error:
                raise _gone(error) from error
            except discord.HTTPException as error:
                if error.status not in (429, 503):  # others it has repeated already
                    raise
                pause_s = _asked_pause_s(error) or pause_s
                log.warning("Discord answered %d; once more in %g s", error.status, pause_s)
            await asyncio.sleep(min(pause_s, LONGEST_PAUSE_S))
        try:
            return await call()
        except discord.NotFound as error:
            raise _gone(error) from error


def _gone(error: discord.NotFound) -> Undeliverable:
    return (FaceGone if error.code == UNKNOWN_WEBHOOK else PlaceGone)(str(error))


def _asked_pause_s(error: discord.HTTPException) -> float | None:
    """How long a 429 without discord.py's own handling asks to wait."""
    asked = error.response.headers.get("Retry-After", "")
    return float(asked) if asked.replace(".", "", 1).isdigit() else None
