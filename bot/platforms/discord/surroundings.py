"""What a person sees around a message: the channel's last lines, the messages it replies to.

Looked up on Discord only where this process has not heard it itself, within a short time, and
never so that an answer fails for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import discord

from bot.around import Around, Heard, Seen
from bot.prompt import cut

from .files import Files
from .listening import line_of, readable, replied_to
from .overheard import LINES_A_CHANNEL, Overheard

log = logging.getLogger(__name__)

WITHIN_S = 1.5
"""An answer waits so long for Discord; what comes later is there for the next one."""
GIVE_UP_S = 10.0
LINKS_MAX = 5
LINK_MAX_CHARS = 4000
ANY_FAILURE = (discord.DiscordException, aiohttp.ClientError, TimeoutError)


class Surroundings:
    def __init__(self, overheard: Overheard, files: Files, within_s: float = WITHIN_S) -> None:
        self._overheard = overheard
        self._files = files
        self._within_s = within_s
        self._filling: dict[int, asyncio.Task[None]] = {}

    def of(
        self, me: discord.abc.User, message: discord.Message, without: Collection[str] = ()
    ) -> Around:
        """Of a message that somebody wrote; nothing that these authors said."""

        link = _pointed_at(message)
        with_pictures = (message, link) if isinstance(link, discord.Message) else (message,)

        async def look() -> Seen:
            seen = await self._seen(me, message.channel, message.id, link, *with_pictures)
            return _but_for(without, seen)

        return self._around(message.channel, message.id, look)

    def about(
        self,
        me: discord.abc.User,
        about: discord.Message,
        asked_id: int,
        without: Collection[str] = (),
    ) -> Around:
        """Of a question about a message, asked just now."""

        async def look() -> Seen:
            return _but_for(without, await self._seen(me, about.channel, asked_id, about, about))

        return self._around(about.channel, asked_id, look)

    async def aclose(self) -> None:
        """Ends the looks under way."""
        for task in self._filling.values():
            task.cancel()
        await asyncio.gather(*self._filling.values(), return_exceptions=True)

    def _around(self, channel: Any, before: int, look: Callable[[], Awaitable[Seen]]) -> Around:
        lines = self._overheard.before(channel.id, before)
        return Around(frozenset(line.author_id for line in lines if line.person), look)

    async def _seen(
        self,
        me: discord.abc.User,
        channel: Any,
        before: int,
        link: discord.Message | discord.MessageReference | None,
        *with_pictures: discord.Message,
    ) -> Seen:
        async def lines() -> tuple[tuple[Heard, ...], tuple[Heard, ...]]:
            heard = await self._heard(me, channel, before)  # mostly has the chain in it
            return heard, await self._chain(me, channel, link)

        (heard, chain), pictures = await asyncio.gather(
            lines(), self._files.pictures(*with_pictures)
        )
        return Seen(heard, chain, pictures)

    # -- the channel ----------------------------------------------------------------------

    async def _heard(self, me: discord.abc.User, channel: Any, before: int) -> tuple[Heard, ...]:
        if isinstance(channel, discord.DMChannel):
            return ()  # all of it is meant for the bot, and remembered
        if not self._overheard.is_whole(channel.id):
            await asyncio.wait((self._fill(me, channel, before),), timeout=self._within_s)
        return tuple(self._overheard.before(channel.id, before))

    def _fill(self, me: discord.abc.User, channel: Any, before: int) -> asyncio.Task[None]:
        """One history for all who ask meanwhile."""
        if channel.id not in self._filling:
            task = asyncio.create_task(self._ask_history(me, channel, before))
            self._filling[channel.id] = task
            task.add_done_callback(lambda _: self._filling.pop(channel.id, None))
        return self._filling[channel.id]

    async def _ask_history(self, me: discord.abc.User, channel: Any, before: int) -> None:
        lines: list[Heard] = []
        try:
            async with asyncio.timeout(GIVE_UP_S):
                earlier = discord.Object(before)
                async for message in channel.history(limit=LINES_A_CHANNEL, before=earlier):
                    lines += lines_of(me, message)
        except ANY_FAILURE as error:
            log.info("what was said in a channel before can't be read: %s", error)
        self._overheard.make_whole(channel.id, lines)

    # -- the chain ------------------------------------------------------------------------

    async def _chain(
        self,
        me: discord.abc.User,
        channel: Any,
        link: discord.Message | discord.MessageReference | None,
    ) -> tuple[Heard, ...]:
        """Oldest first; all that was said in direct messages is remembered."""
        if link is None:
            return ()
        chain: list[Heard] = []
        try:
            if isinstance(link, discord.Message):
                chain += await self._whole(me, link)
            async with asyncio.timeout(self._within_s):
                if not isinstance(link, discord.Message):
                    chain += await self._linked(me, channel, str(link.message_id))
                most = 1 if isinstance(channel, discord.DMChannel) else LINKS_MAX
                while chain and len(chain) < most and (earlier := chain[0].replies_to):
                    found = await self._linked(me, channel, earlier)
                    if not found:
                        break
                    chain[:0] = found
        except ANY_FAILURE as error:
            log.info("a message that was replied to can't be read: %s", error)
        return tuple(chain)

    async def _linked(self, me: discord.abc.User, channel: Any, number: str) -> list[Heard]:
        line = self._overheard.line(channel.id, int(number))
        if line is not None:
            return [line]
        line = line_of(me, await channel.fetch_message(int(number)))
        if line is None:
            return []
        self._overheard.note_link(line)
        return [replace(line, text=cut(line.text, LINK_MAX_CHARS))]

    async def _whole(self, me: discord.abc.User, message: discord.Message) -> list[Heard]:
        """What is pointed at: all of it, its files too."""
        line = line_of(me, message)
        if line is None:
            return []
        text = line.text
        if message.attachments:
            read = await self._files.read(message)
            text = f"{readable(me, message)}\n{read.words}".strip()
        return [replace(line, text=text)]


def _but_for(authors: Collection[str], seen: Seen) -> Seen:
    """What is pointed at is seen, whoever said it."""
    if not authors:
        return seen
    return replace(seen, heard=tuple(one for one in seen.heard if one.author_id not in authors))


def lines_of(me: discord.abc.User, message: discord.Message) -> Iterator[Heard]:
    """What is heard by a message: what it says, or the message that a thread begins with."""
    begun_with = starter(message)
    line = line_of(me, begun_with or message)
    if line is not None:
        yield line


def starter(message: discord.Message) -> discord.Message | None:
    """Where a thread's first message only points to the one it was started from: that one."""
    if message.type != discord.MessageType.thread_starter_message:
        return None
    return _resolved(message)


def _resolved(message: discord.Message) -> discord.Message | None:
    found = message.reference.resolved if message.reference is not None else None
    return found if isinstance(found, discord.Message) else None


def _pointed_at(message: discord.Message) -> discord.Message | discord.MessageReference | None:
    """What it replies to, if that is still there; Discord mostly sends it along."""
    reference = message.reference
    if replied_to(message) is None or reference is None:
        return None
    resolved = reference.resolved
    if isinstance(resolved, discord.DeletedReferencedMessage):
        return None
    return resolved or reference
