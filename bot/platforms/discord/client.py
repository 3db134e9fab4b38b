"""The Discord client: which events there are, and whom they go to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import discord

from bot.places import Places

from . import endpoints
from .answering import Answering
from .buttons import PressButton
from .changes import Changes
from .commands import CommandTree, sync
from .inviting import invite_link
from .listening import incoming, is_a_persons, is_meant_for, places_around
from .pressing import Pressing

log = logging.getLogger(__name__)

INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)


class Client(discord.Client):
    """One connection; it keeps no members and no messages, only guilds and channels."""

    def __init__(
        self,
        answering: Answering,
        places: Places,
        changes: Changes,
        pressing: Pressing,
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
        self._places = places
        self._changes = changes
        self.pressing = pressing
        self.add_dynamic_items(PressButton)
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
        log.info("on Discord as %s", self.user)
        if not self.guilds and self.application_id is not None:
            log.info("in no server yet; add it with %s", invite_link(self.application_id))

    async def on_resumed(self) -> None:
        self._tell_health("connected")

    async def on_disconnect(self) -> None:
        self._tell_health("reconnecting")

    async def on_message(self, message: discord.Message) -> None:
        me = self.user
        if me is None or not is_a_persons(message):
            return
        here = await self._places.glance(*places_around(message.channel, message.guild))
        if is_meant_for(me, message, here.mode or "mention"):
            await self._answering.answer(incoming(me, message), message)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is discord.InteractionType.modal_submit:
            await self.pressing.submitted(interaction)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        if self.user is not None:
            await self._changes.edited(self.user, payload.message)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._changes.deleted(payload.channel_id, (payload.message_id,))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._changes.deleted(payload.channel_id, payload.message_ids)
