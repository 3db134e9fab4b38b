"""The Discord client: which events there are, and whom they go to."""

from __future__ import annotations

import logging
from collections.abc import Callable

import aiohttp
import discord

from . import endpoints
from .answering import Answering
from .changes import Changes
from .commands import CommandTree, sync
from .hearing import Hearing
from .inviting import invite_link

log = logging.getLogger(__name__)

INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)


class Client(discord.Client):
    """One connection; it keeps no members and no messages, only guilds and channels."""

    def __init__(
        self,
        answering: Answering,
        hearing: Hearing,
        changes: Changes,
        tell_health: Callable[[str], None],
        *,
        gateway_from_api: bool = False,
    ) -> None:
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        self.tree = CommandTree(self)
        self._answering = answering
        self._changes = changes
        self._hearing = hearing
        self._tell_health = tell_health
        self._gateway_from_api = gateway_from_api

    async def setup_hook(self) -> None:
        """Logged in, not connected yet."""
        if self._gateway_from_api:
            await endpoints.ask_for_gateway(self.http)
        try:
            await sync(self.tree)
        except (discord.HTTPException, aiohttp.ClientError) as error:
            log.warning("the slash commands could not be brought up to date: %s", error)

    async def on_connect(self) -> None:
        self._tell_health("connected")
        self._hearing.missed_some()
        log.info("on Discord as %s", self.user)
        if not self.guilds and self.application_id is not None:
            log.info("in no server yet; add it with %s", invite_link(self.application_id))

    async def on_resumed(self) -> None:
        self._tell_health("connected")

    async def on_disconnect(self) -> None:
        self._tell_health("reconnecting")

    async def on_message(self, message: discord.Message) -> None:
        incoming = await self._hearing.hear(self.user, message) if self.user else None
        if incoming is not None:
            await self._answering.answer(incoming, message)

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self._hearing.thread_began(thread)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        if self.user is not None:
            await self._changes.edited(self.user, payload.message)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._changes.deleted(payload.channel_id, (payload.message_id,))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._changes.deleted(payload.channel_id, payload.message_ids)
