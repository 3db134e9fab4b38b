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

from .errors import MayNotWrite, PlaceGone, Undeliverable

log = logging.getLogger(__name__)

PAUSES_S = (0.2, 1.5, 5.0)
LONGEST_PAUSE_S = 30.0
REPLY_NEEDS_HISTORY = 160002
Result = TypeVar("Result")


class Outbox:
    """Where the answer to one message goes: a reply to it first, then plain messages."""

    def __init__(self, asked: discord.Message, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._asked = asked
        self._pauses_s = pauses_s
        # The person answered may be pinged, by the reply or by name; nobody else ever is.
        self._pings = discord.AllowedMentions(
            everyone=False, roles=False, users=[asked.author], replied_user=True
        )

    def typing(self) -> AbstractAsyncContextManager[None]:
        return self._asked.channel.typing()

    async def post(
        self, text: str, *, as_reply: bool, view: discord.ui.View | None = None
    ) -> discord.Message:
        """Raises Undeliverable, or discord.py's error when Discord stays broken."""
        nonce = secrets.randbits(64)
        reference = self._asked.to_reference(fail_if_not_exists=False) if as_reply else None

        async def send(reference: discord.MessageReference | None) -> discord.Message:
            return await self._asked.channel.send(
                text,
                nonce=nonce,
                reference=reference,  # type: ignore[arg-type]  # None is what it means by default
                allowed_mentions=self._pings,
                suppress_embeds=True,
                view=view,  # type: ignore[arg-type]  # None is what it means by default
            )

        try:
            return await self._attempt(lambda: send(reference))
        except discord.Forbidden as error:
            if error.code != REPLY_NEEDS_HISTORY:
                raise MayNotWrite(self._place) from error
            return await self._attempt(lambda: send(None))

    async def edit(
        self,
        message: discord.Message,
        text: str,
        view: discord.ui.View | None = discord.utils.MISSING,
    ) -> None:
        """Without `view` the buttons stay, None takes them away. Raises Undeliverable, or
        discord.py's error when Discord stays broken."""
        try:
            # discord.py's `suppress` is False by default, which would bring the embeds back.
            await self._attempt(
                lambda: message.edit(
                    content=text, suppress=True, allowed_mentions=self._pings, view=view
                )
            )
        except discord.Forbidden as error:
            raise MayNotWrite(self._place) from error

    async def delete(self, message: discord.Message) -> None:
        await self._attempt(message.delete)

    async def tell_privately(self, error: Undeliverable) -> None:
        """Says in a direct message why there is no answer where it was asked for."""
        if self._asked.guild is None:
            return
        try:
            await self._asked.author.send(error.spoken)
        except (discord.HTTPException, aiohttp.ClientError) as refused:
            log.info("could not tell the person privately: %s", refused)

    @property
    def _place(self) -> str:
        return f"#{getattr(self._asked.channel, 'name', 'our direct messages')}"

    async def _attempt(self, call: Callable[[], Awaitable[Result]]) -> Result:
        for pause_s in self._pauses_s:
            try:
                return await call()
            except (aiohttp.ClientConnectionError, TimeoutError) as error:
                log.info("Discord's answer was lost (%s); once more", type(error).__name__)
            except discord.NotFound as error:
                raise PlaceGone(str(error)) from error
            except discord.HTTPException as error:
                if error.status not in (429, 503):  # others it has repeated already
                    raise
                pause_s = _asked_pause_s(error) or pause_s
                log.warning("Discord answered %d; once more in %g s", error.status, pause_s)
            await asyncio.sleep(min(pause_s, LONGEST_PAUSE_S))
        try:
            return await call()
        except discord.NotFound as error:
            raise PlaceGone(str(error)) from error


def _asked_pause_s(error: discord.HTTPException) -> float | None:
    """How long a 429 without discord.py's own handling asks to wait."""
    asked = error.response.headers.get("Retry-After", "")
    return float(asked) if asked.replace(".", "", 1).isdigit() else None
