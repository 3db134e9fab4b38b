"""Every message that the bot hears: whether it is meant for it, and what is kept of the others.

Other bots are spoken with only where an administrator allows them, and never on and on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace

import discord

from bot.access import Access
from bot.errors import MemoryGone
from bot.keeping import keep
from bot.messages import Incoming
from bot.places import Mode, Places, PlaceSettings

from .listening import (
    SPOKEN_TYPES,
    author_of,
    conversation_of,
    incoming,
    is_a_persons,
    is_meant_for,
    is_own,
    line_of,
    mode_of,
    places_around,
    places_seen_from,
    roles_of,
)
from .overheard import Overheard
from .surroundings import Surroundings, lines_of, starter

log = logging.getLogger(__name__)

BOT_TURNS = 3
"""So many messages of bots are answered in a channel until a person speaks there again."""
KEPT_MAX = 10_000
"""So many channels or threads something is kept about; the oldest go first."""


class Hearing:
    def __init__(
        self, places: Places, access: Access, overheard: Overheard, around: Surroundings
    ) -> None:
        self._places = places
        self._access = access
        self._overheard = overheard
        self._around = around
        self._bot_turns: dict[str, int] = {}
        self._new_threads: dict[int, None] = {}
        self._own_threads: dict[int, None] = {}
        """Those of which the places may not know yet."""
        self._keeping: set[asyncio.Task[None]] = set()

    async def is_unwelcome(self, message: discord.Message) -> bool:
        """From somebody, or in a place, that is not to be answered: not even overheard."""
        if message.webhook_id is not None:
            return False  # nobody to talk to; it may be the bot's own
        around = places_around(message.channel, message.guild)
        who = author_of(message.author.id)
        return await self._access.refusal(who, roles_of(message.author), around) is not None

    async def hear(self, me: discord.abc.User, message: discord.Message) -> Incoming | None:
        """The message with its surroundings where it is meant for the bot."""
        channel = message.channel
        if is_own(me, message):
            self._note(me, message)
            return None
        if self._begins_own_thread(me, message):
            task = asyncio.create_task(self._keep_as_own(channel.id))
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)
        here = await self._places.glance(*places_seen_from(channel, message.guild))
        mode = self._mode(me, channel, here)
        if mode == "off" and message.guild is not None:
            self._overheard.drop(channel.id)
            return None
        meant = self._is_meant(me, message, mode, here)
        around = self._around.of(me, message, here.blocked or ()) if meant else None
        self._note(me, message)
        return replace(incoming(me, message), around=around) if meant else None

    async def wants(self, me: discord.abc.User, message: discord.Message) -> bool:
        """Whether a person's message is meant for the bot; nothing of it is kept."""
        if not is_a_persons(message):
            return False
        here = await self._places.glance(*places_seen_from(message.channel, message.guild))
        return is_meant_for(me, message, self._mode(me, message.channel, here))

    def missed_some(self) -> None:
        """The connection is a new one: what was said meanwhile is not known."""
        self._overheard.clear()

    def thread_began(self, thread: discord.Thread) -> None:
        """Whether it is the bot's own is told by its first message."""
        keep(self._new_threads, thread.id, None, KEPT_MAX)

    def edited(self, me: discord.abc.User, message: discord.Message) -> None:
        line = line_of(me, message)
        if line is not None:
            self._overheard.edit(message.channel.id, line)

    def deleted(self, channel_id: int, message_ids: Collection[int]) -> None:
        self._overheard.delete(channel_id, message_ids)

    async def aclose(self) -> None:
        """What was learnt of threads is kept first."""
        await asyncio.gather(*self._keeping, return_exceptions=True)

    def _is_meant(
        self, me: discord.abc.User, message: discord.Message, mode: Mode, here: PlaceSettings
    ) -> bool:
        around = places_around(message.channel, message.guild)
        if is_a_persons(message):
            if around:
                self._bot_turns.pop(around[0], None)
            return is_meant_for(me, message, mode)
        allowed = message.author.bot and str(message.author.id) in (here.bots or ())
        if not allowed or message.webhook_id is not None or message.type not in SPOKEN_TYPES:
            return False
        return bool(around) and is_meant_for(me, message, "mention") and self._may_go_on(around[0])

    def _may_go_on(self, place: str) -> bool:
        """Counted for a channel with all its threads, and for all bots together."""
        turns = self._bot_turns.get(place, 0)
        keep(self._bot_turns, place, min(turns + 1, BOT_TURNS), KEPT_MAX)
        return turns < BOT_TURNS

    def _mode(self, me: discord.abc.User, channel: object, here: PlaceSettings) -> Mode:
        if isinstance(channel, discord.Thread) and channel.id in self._own_threads:
            here = here.model_copy(update={"own": True})
        return mode_of(me, channel, here)

    def _note(self, me: discord.abc.User, message: discord.Message) -> None:
        if message.guild is not None:
            self._overheard.note(message.channel.id, *lines_of(me, message))

    def _begins_own_thread(self, me: discord.abc.User, message: discord.Message) -> bool:
        """Started from a message of the bot or one that mentions it, or with a mention."""
        channel = message.channel
        if not isinstance(channel, discord.Thread):
            return False
        begun_with = starter(message)
        if begun_with is None:
            if channel.id not in self._new_threads or not is_a_persons(message):
                return False
            begun_with = message
        self._new_threads.pop(channel.id, None)
        if not is_own(me, begun_with) and not is_meant_for(me, begun_with, "mention"):
            return False
        keep(self._own_threads, channel.id, None, KEPT_MAX)
        return True

    async def _keep_as_own(self, thread_id: int) -> None:
        try:
            await self._places.change(conversation_of(thread_id), own=True)
        except MemoryGone:
            log.warning("a thread of the bot's own is known as such only until it is restarted")
