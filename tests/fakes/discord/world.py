"""Who and what exists on the fake Discord, and who may do what; knows no socket and no JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.fakes.discord.nouns import (
    DIRECT_MESSAGE,
    EPHEMERAL,
    PUBLIC_THREAD,
    Attachment,
    Channel,
    File,
    Guild,
    Member,
    Message,
    Role,
    Thread,
    User,
)
from tests.fakes.discord.permissions import (
    EVERYONE_MAY,
    EVERYTHING,
    NOTHING,
    Permission,
    with_implications,
    with_overwrites,
)

DISCORD_EPOCH_MS = 1_420_070_400_000


class Snowflakes:
    """Ids as Discord makes them: milliseconds since 2015, then a counter; always growing."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        since_epoch_ms = int(time.time() * 1000) - DISCORD_EPOCH_MS
        self._last = max(self._last + 1, since_epoch_ms << 22)
        return str(self._last)

    def on_shard(self, shard: int, shards: int) -> str:
        """An id whose guild belongs to that shard: of a moment a little later."""
        while (int(self.next()) >> 22) % shards != shard:
            self._last = ((self._last >> 22) + 1) << 22
        return str(self._last)


class World:
    """The state of the fake, and a way to wait until something in it changes."""

    def __init__(self) -> None:
        self.snowflakes = Snowflakes()
        self.cdn_url = ""
        self.bot = User(self.snowflakes.next(), "understudy", "Understudy", bot=True)
        self.owner = User(self.snowflakes.next(), "owner", "Olive Owner")
        self.users: dict[str, User] = {user.id: user for user in (self.owner, self.bot)}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self.uploads: list[Attachment] = []
        """Files given to commands: on no message."""
        self.guilds: list[Guild] = []
        self._changed = asyncio.Event()
        self.guild = self.add_guild("The Playhouse", self.owner)
        self.let_in(self.bot, self.guild)

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Whether `holds` became true in time; looked at after every change."""
        deadline = time.monotonic() + within_s
        while not holds():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            try:
                await asyncio.wait_for(self._changed.wait(), min(left_s, 0.25))
            except TimeoutError:
                continue
        return True

    # -- coming to be ---------------------------------------------------------------------

    def add_guild(self, name: str, owner: User, guild_id: str | None = None) -> Guild:
        guild_id = guild_id or self.snowflakes.next()
        guild = Guild(guild_id, name, owner, [Role(guild_id, "@everyone", EVERYONE_MAY)])
        guild.members[owner.id] = Member(owner)
        self.guilds.append(guild)
        return guild

    def let_in(self, user: User, guild: Guild) -> Member:
        """A member; the bot comes with a role of its own."""
        member = Member(user)
        if user is self.bot:
            role = Role(self.snowflakes.next(), user.display_name, EVERYONE_MAY, bot_id=user.id)
            guild.roles.append(role)
            member.roles.append(role)
        guild.members[user.id] = member
        return member

    def throw_out_bot(self, guild: Guild) -> None:
        """Its role goes with it."""
        guild.members.pop(self.bot.id, None)
        guild.roles = [one for one in guild.roles if one.bot_id != self.bot.id]

    def add_person(self, name: str, *, bot: bool) -> User:
        username = name.lower().replace(" ", "")
        user = User(self.snowflakes.next(), username, name, bot)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, guild: Guild) -> Channel:
        channel = Channel(self.snowflakes.next(), name, guild=guild)
        guild.channels.append(channel)
        self.channels[channel.id] = channel
        return channel

    def direct_channel(self, person: User) -> Channel:
        for channel in self.channels.values():
            if channel.recipient is person:
                return channel
        channel = Channel(self.snowflakes.next(), "", DIRECT_MESSAGE, recipient=person)
        self.channels[channel.id] = channel
        return channel

    def add_thread(
        self, owner: User, parent: Channel, name: str, message: Message | None, minutes: int
    ) -> Thread:
        now = snowflake_time(self.snowflakes.next())
        thread = Thread(
            message.id if message is not None else self.snowflakes.next(),
            name,
            PUBLIC_THREAD,
            parent.guild,
            parent=parent,
            owner=owner,
            created_at=now,
            archived_at=now,
            archive_minutes=minutes,
        )
        self.channels[thread.id] = thread
        return thread

    def delete_channel(self, channel: Channel) -> None:
        """Its threads go with it."""
        channel.deleted = True
        for other in self.channels.values():
            if isinstance(other, Thread) and other.parent is channel:
                other.deleted = True

    def attach(self, file: File, channel: Channel) -> Attachment:
        return Attachment(self.snowflakes.next(), channel.id, file)

    # -- finding --------------------------------------------------------------------------

    def guild_of(self, guild_id: str) -> Guild:
        return next(one for one in self.guilds if one.id == guild_id)

    def guild_of_role(self, role: Role) -> Guild:
        return next(one for one in self.guilds if role in one.roles)

    def find_message(self, message_id: str) -> Message | None:
        for message in reversed(self.messages):
            if message.id == message_id and not message.deleted:
                return message
        return None

    def find_attachment(self, path: str) -> Attachment | None:
        for message in self.messages:
            for attachment in message.attachments:
                if attachment.path == path and not message.deleted:
                    return attachment
        return next((one for one in self.uploads if one.path == path), None)

    def active_threads(self, guild: Guild) -> list[Thread]:
        """Those that the bot can see."""
        return [
            thread
            for thread in self.channels.values()
            if isinstance(thread, Thread)
            and thread.guild is guild
            and not thread.archived
            and not thread.deleted
            and self.permissions(self.bot, thread) & Permission.VIEW_CHANNEL
        ]

    def in_channel(self, channel: Channel) -> list[Message]:
        """What anybody in the channel sees: nothing deleted, nothing ephemeral."""
        return [
            message
            for message in self.messages
            if message.channel is channel and not message.deleted and not message.flags & EPHEMERAL
        ]

    # -- who may do what ------------------------------------------------------------------

    def bot_is_in(self, guild: Guild) -> bool:
        return guild.member(self.bot) is not None

    def permissions(self, user: User, channel: Channel) -> Permission:
        """By the documentation's algorithm: owner, roles, overwrites, and what they imply."""
        if channel.guild is None:
            return EVERYONE_MAY
        speaking = Permission.SEND_MESSAGES
        if isinstance(channel, Thread):  # inherits everything but SEND_MESSAGES
            channel, speaking = channel.parent, Permission.SEND_MESSAGES_IN_THREADS
        guild = channel.guild
        assert guild is not None
        member = guild.member(user)
        if user is guild.owner:
            return EVERYTHING
        if member is None:
            return NOTHING
        granted = guild.everyone.permissions
        for role in member.roles:
            granted |= role.permissions
        if granted & Permission.ADMINISTRATOR:
            return EVERYTHING
        roles = [role.id for role in member.roles]
        granted = with_overwrites(granted, channel.overwrites, guild.id, roles)
        if user.id in channel.overwrites:
            granted = channel.overwrites[user.id].over(granted)
        return with_implications(granted, speaking)


def snowflake_time(snowflake: str) -> str:
    at_ms = (int(snowflake) >> 22) + DISCORD_EPOCH_MS
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def now() -> str:
    return datetime.now(UTC).isoformat()
