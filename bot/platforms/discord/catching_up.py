"""What was missed while the bot was away: found when a new session begins, and answered once.

After a RESUME Discord tells by itself what was said meanwhile; a new session begins with nothing.
It brings of each channel and thread which message was the last one, so only those that had one
lately are asked for. Direct messages are not among them: the latest known ones are looked at, and
who wrote to the bot for the first time while it was away is not found.

Knows neither what is meant for the bot nor how it is answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import discord

from bot.errors import MemoryGone
from bot.keeping import keep
from bot.memory import Memory
from bot.people import People

from .errors import FAILURES, Undeliverable
from .jumping import answered_id
from .listening import conversation_of, is_a_persons, is_own

log = logging.getLogger(__name__)

PLACES_MAX, DIRECT_MAX, MESSAGES_MAX = 300, 100, 200
"""So many channels and threads, and direct messages, are looked through; so much of each."""
PAUSE_S = 0.25
"""Between two places: live messages have nearly all of Discord's 50 requests a second."""
PLACE_WITHIN_S = 8.0
"""discord.py tries a failing request again for 25 s; the others need not wait for it."""
MEMORY_PAUSES_S = (0, 2, 10, 60)
"""Before each look; there is a further one where memory was away."""
GUILDS_WITHIN_S, LOOK_EVERY_S = 60.0, 0.25
TAKEN_MAX = 10_000
PLATFORM = conversation_of(0).partition(":")[0]

Place = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
Where = Place | discord.PartialMessageable


@dataclass
class Look:
    """One look through all places, as long as it lasts."""

    after: discord.Object
    caught: int = 0
    members: dict[tuple[int, int], discord.Member] = field(default_factory=dict)
    in_hand: list[discord.Message] = field(default_factory=list)
    """Claimed by a process that may be gone."""
    in_hand_s: float = 0.0
    drafts: dict[int, list[discord.Message]] = field(default_factory=dict)
    """What the bot said to each message, by whatever face."""


class CatchingUp:
    """Looks for missed messages once a session; a shard's next session begins a new look."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        memory: Memory,
        people: People,
        wanted: Callable[[discord.Message], Awaitable[bool]],
        erase: Callable[[discord.Message], Awaitable[None]],
        minutes: float,
    ) -> None:
        """`wanted` says whether a message is one for the client's `on_message` to answer, `erase`
        deletes one of the bot's own; what is older than `minutes` stays unanswered, and with 0
        everything does."""
        self._client = client
        self._memory = memory
        self._people = people
        self._wanted = wanted
        self._erase = erase
        self._window = timedelta(minutes=minutes)
        self._looks: dict[int, asyncio.Task[None]] = {}
        self._taken: dict[int, None] = {}

    def note(self, message: discord.Message) -> None:
        """This process has it in hand: it is not missed, whatever comes of it."""
        keep(self._taken, message.id, None, TAKEN_MAX)

    def begin(self, shard: int) -> None:
        """A session of this shard has begun."""
        if not self._window:
            return
        if (before := self._looks.get(shard)) is not None:
            before.cancel()
        self._looks[shard] = asyncio.create_task(self._look(shard))

    async def close(self) -> None:
        for look in self._looks.values():
            look.cancel()
        await asyncio.gather(*self._looks.values(), return_exceptions=True)

    async def _look(self, shard: int) -> None:
        since = discord.utils.time_snowflake(discord.utils.utcnow() - self._window)
        look = Look(discord.Object(since))
        try:
            for pause_s in MEMORY_PAUSES_S:
                await asyncio.sleep(pause_s)
                if await self._look_everywhere(shard, look):
                    break
        except Exception:  # nobody waits for this task, who would hear of a mistake of ours
            log.exception("catching up broke off")
        if look.caught:
            log.info("caught up: %d messages were missed and are answered now", look.caught)

    async def _look_everywhere(self, shard: int, look: Look) -> bool:
        """False where memory went away before the end."""
        try:
            await self._all_guilds(shard)
            async for place in self._places(shard, look.after.id):
                await self._look_through(place, look)
                await asyncio.sleep(PAUSE_S)
            await self._take_over(look)
        except MemoryGone:
            log.warning("what was missed can't be caught up while memory is away")
            return False
        return True

    async def _all_guilds(self, shard: int) -> None:
        """READY only names the servers; they come one by one after it."""
        for _ in range(int(GUILDS_WITHIN_S / LOOK_EVERY_S)):
            if not any(guild.unavailable for guild in self._guilds(shard)):
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _guilds(self, shard: int) -> list[discord.Guild]:
        return [guild for guild in self._client.guilds if guild.shard_id == shard]

    async def _places(self, shard: int, since: int) -> AsyncIterator[Where]:
        """Where something was said lately, and who waits for longest first."""
        found = [
            (place.last_message_id, place)
            for guild in self._guilds(shard)
            for place in _speaking_places(guild)
            if place.last_message_id is not None and place.last_message_id >= since
        ]
        found.sort(key=lambda one: one[0])
        readable = [place for _, place in found if _may_read(place)]
        if len(readable) > PLACES_MAX:
            log.warning("%d places are too many to catch up", len(readable) - PLACES_MAX)
        for place in readable[:PLACES_MAX]:
            yield place
        if shard == 0:
            for talk in await self._people.private_talks(PLATFORM, DIRECT_MAX):
                channel_id = int(talk.rpartition(":")[2])
                yield self._client.get_partial_messageable(
                    channel_id, type=discord.ChannelType.private
                )

    async def _look_through(self, place: Where, look: Look) -> None:
        newer = place.history(limit=MESSAGES_MAX, after=look.after, oldest_first=True)
        try:
            async with asyncio.timeout(PLACE_WITHIN_S):
                said = [message async for message in newer]
            await self._answer_missed(said, look)
        except FAILURES as error:
            log.info("a place can't be looked through: %s", error)

    async def _answer_missed(self, said: Sequence[discord.Message], look: Look) -> None:
        self._note_drafts(said, look)
        people = [one for one in said if is_a_persons(one) and one.id not in self._taken]
        for message, in_hand_s in await self._unanswered(people):
            if in_hand_s is None and message.id in look.drafts:
                continue  # answered, and memory does not know any more
            if not await self._wanted(message) or not await _author_is_there(message, look):
                continue
            if in_hand_s:
                look.in_hand.append(message)
                look.in_hand_s = max(look.in_hand_s, in_hand_s)
            else:
                await self._answer(message, look)

    def _note_drafts(self, said: Sequence[discord.Message], look: Look) -> None:
        """A long answer goes on in messages that name no question."""
        me, asked, author = self._client.user, None, 0
        for message in said:
            if me is None or not is_own(me, message):
                continue
            goes_on = message.type is discord.MessageType.default and message.author.id == author
            asked = answered_id(message) or (asked if goes_on else None)
            author = message.author.id
            if asked is not None:
                look.drafts.setdefault(asked, []).append(message)

    async def _unanswered(
        self, said: Sequence[discord.Message]
    ) -> list[tuple[discord.Message, float | None]]:
        """All of one place; with the seconds for which somebody may still be answering them."""
        if not said:
            return []
        where = conversation_of(said[0].channel.id)
        states = await self._memory.unanswered(where, [str(one.id) for one in said])
        return [(one, states[str(one.id)]) for one in said if str(one.id) in states]

    async def _take_over(self, look: Look) -> None:
        """What a process had in hand that died: its claims run out, a living one renews them."""
        if not look.in_hand:
            return
        await asyncio.sleep(look.in_hand_s + LOOK_EVERY_S)
        for message in look.in_hand:
            for _, in_hand_s in await self._unanswered([message]):
                if not in_hand_s and message.id not in self._taken:
                    await self._answer(message, look)

    async def _answer(self, message: discord.Message, look: Look) -> None:
        """By the door through which all messages come; half an answer gives way to a whole one."""
        for draft in look.drafts.pop(message.id, ()):
            with suppress(Undeliverable, *FAILURES):
                await self._erase(draft)
        look.caught += 1
        self._client.dispatch("message", message)


def _speaking_places(guild: discord.Guild) -> list[Place]:
    return [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads]


def _may_read(place: Place) -> bool:
    if isinstance(place, discord.Thread) and place.parent is None:
        return False  # the channel around it can't be seen
    may = place.permissions_for(place.guild.me)
    return may.view_channel and may.read_message_history


async def _author_is_there(message: discord.Message, look: Look) -> bool:
    """History brings users; roles and the name in this server are a member's. Who left is not
    answered any more."""
    guild = message.guild
    if guild is None or isinstance(message.author, discord.Member):
        return True
    who = guild.id, message.author.id
    try:
        look.members[who] = look.members.get(who) or await guild.fetch_member(message.author.id)
    except discord.NotFound:
        return False
    message.author = look.members[who]
    return True
