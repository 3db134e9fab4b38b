"""The Discord client: which events there are, and whom they go to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import discord

from bot.memory import Memory
from bot.people import People

from . import endpoints
from .answering import Answering
from .buttons import PressButton
from .catching_up import CatchingUp
from .changes import Changes
from .commands import CommandTree, sync
from .errors import FAILURES
from .faced import FacedOutbox
from .faces import Faces
from .hearing import Hearing
from .inviting import invite_link
from .pressing import Pressing
from .shards import Pace, Presence, Share
from .throttle import Throttle

log = logging.getLogger(__name__)

INTENTS = discord.Intents(
    guilds=True, guild_messages=True, dm_messages=True, message_content=True, webhooks=True
)
SILENT_S = 60.0
"""A connection on which nothing comes for so long, not even an echo, is dead."""


class Client(discord.AutoShardedClient):
    """This process's connections; it keeps no members and no messages, only guilds and channels."""

    def __init__(
        self,
        answering: Answering,
        hearing: Hearing,
        changes: Changes,
        pressing: Pressing,
        faces: Faces,
        memory: Memory,
        people: People,
        presence: Presence,
        is_taken: Callable[[discord.abc.User, discord.Message], bool],
        *,
        share: Share | None = None,
        gateway_from_api: bool = False,
        catch_up_minutes: float = 0,
        silent_s: float = SILENT_S,
        requests_per_second: float = 0,
    ) -> None:
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            heartbeat_timeout=silent_s,
            http_trace=Throttle(requests_per_second).trace(),
            shard_ids=None if share is None else list(share.ids),  # type: ignore[arg-type]  # None is its default
            shard_count=None if share is None else share.total,
        )
        self.tree = CommandTree(self)
        self.catching_up = CatchingUp(
            self, memory, people, self._is_for_me, self._erase, catch_up_minutes
        )
        self._answering = answering
        self._changes = changes
        self.pressing = pressing
        self.add_dynamic_items(PressButton)
        self._hearing = hearing
        self._faces = faces
        self._presence = presence
        self._pace = Pace()
        self._whole = share is None or share.part == 1
        self._is_taken = is_taken
        self._gateway_from_api = gateway_from_api

    async def setup_hook(self) -> None:
        """Logged in, not connected yet."""
        advice = await endpoints.ask_for_gateway(self.http, follow=self._gateway_from_api)
        self._pace.at_once = advice.at_once
        if self.shard_count is None:
            self.shard_count = advice.shards
        shards: Iterable[int] = self.shard_ids or range(self.shard_count)
        self._presence.expect(shards)
        if 0 in shards:
            await self._sync_commands()

    async def before_identify_hook(
        self,
        shard_id: int | None,
        *,
        initial: bool = False,  # noqa: ARG002  # discord.py's own signature
    ) -> None:
        await self._pace.wait(shard_id or 0)

    async def on_shard_connect(self, shard: int) -> None:
        """A new session, at the start or where the last one could not be resumed."""
        self._presence.came(shard)
        self._hearing.missed_some()
        log.info("on Discord as %s (shard %d of %d)", self.user, shard, self.shard_count or 1)
        if self._whole and self._presence.all_there and not self.guilds and self.application_id:
            log.info("in no server yet; add it with %s", invite_link(self.application_id))
        self.catching_up.begin(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        self._presence.came(shard)

    async def on_shard_disconnect(self, shard: int) -> None:
        self._presence.went(shard)

    async def on_message(self, message: discord.Message) -> None:
        me = self.user
        if me is None or await self._hearing.is_unwelcome(message):
            return
        incoming = await self._hearing.hear(me, message)
        taken = self._is_taken(me, message)
        if taken or incoming is not None:
            self.catching_up.note(message)
        if incoming is not None and not taken:
            await self._answering.answer(incoming, message)

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self._hearing.thread_began(thread)

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

    async def on_webhooks_update(self, channel: discord.abc.GuildChannel) -> None:
        self._faces.forget(channel)

    async def _is_for_me(self, message: discord.Message) -> bool:
        return self.user is not None and await self._hearing.wants(self.user, message)

    async def _erase(self, message: discord.Message) -> None:
        await FacedOutbox(self._faces, message).delete(message)

    async def _sync_commands(self) -> None:
        try:
            await sync(self.tree)
        except FAILURES as error:
            log.warning("the slash commands could not be brought up to date: %s", error)
