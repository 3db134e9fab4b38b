"""Who and what exists on the fake Discord; knows no socket and no JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntFlag
from itertools import count

DISCORD_EPOCH_MS = 1_420_070_400_000
TEXT_CHANNEL, DIRECT_MESSAGE = 0, 1
EPHEMERAL = 1 << 6


class Permission(IntFlag):
    ADMINISTRATOR = 1 << 3
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_GUILD = 1 << 5
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31


NOTHING = Permission(0)
EVERYONE_MAY = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
)


class Snowflakes:
    """Ids as Discord makes them: milliseconds since 2015, then a counter."""

    def __init__(self) -> None:
        self._counter = count()

    def next(self) -> str:
        since_epoch_ms = int(time.time() * 1000) - DISCORD_EPOCH_MS
        return str((since_epoch_ms << 22) | (next(self._counter) & 0xFFF))


@dataclass(eq=False)
class User:
    id: str
    username: str
    display_name: str
    bot: bool = False
    nick: str | None = None
    administrator: bool = False
    closed_to_messages: bool = False
    roles: list[Role] = field(default_factory=list)

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    id: str
    name: str
    permissions: Permission
    bot_id: str | None = None

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(eq=False)
class Channel:
    """A text channel of the guild, or a direct message channel with `recipient`."""

    id: str
    name: str
    kind: int = TEXT_CHANNEL
    guild_id: str | None = None
    recipient: User | None = None
    deleted: bool = False
    denied_to_bot: Permission = NOTHING

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"


@dataclass(frozen=True)
class Text:
    """What a message said from `at_s` (monotonic) on."""

    content: str
    at_s: float


@dataclass(eq=False)
class Message:
    """`texts` is its history: the first is as sent, each edit adds one."""

    id: str
    channel: Channel
    author: User
    texts: list[Text]
    flags: int = 0
    reply_to: str | None = None
    nonce: str | None = None
    webhook_id: str | None = None
    type: int = 0
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[Role] = field(default_factory=list)
    pinged: set[str] = field(default_factory=set)
    deleted: bool = False

    @property
    def content(self) -> str:
        return self.texts[-1].content

    @property
    def edits(self) -> list[Text]:
        return self.texts[1:]

    @property
    def changed_at_s(self) -> float:
        return self.texts[-1].at_s


@dataclass(eq=False)
class Guild:
    id: str
    name: str
    owner: User
    members: list[User]
    channels: list[Channel]
    roles: list[Role]


class World:
    """The state of the fake, and a way to wait until something in it changes."""

    def __init__(self) -> None:
        self.snowflakes = Snowflakes()
        self.bot = User(self.snowflakes.next(), "understudy", "Understudy", bot=True)
        self.owner = User(self.snowflakes.next(), "owner", "Olive Owner", administrator=True)
        guild_id = self.snowflakes.next()
        self.guild = Guild(
            guild_id,
            "The Playhouse",
            self.owner,
            members=[self.owner, self.bot],
            channels=[],
            roles=[
                Role(guild_id, "@everyone", EVERYONE_MAY),
                Role(self.snowflakes.next(), "Understudy", EVERYONE_MAY, bot_id=self.bot.id),
            ],
        )
        self.users: dict[str, User] = {user.id: user for user in self.guild.members}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self._changed = asyncio.Event()

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

    def add_person(self, name: str, *, administrator: bool, bot: bool) -> User:
        username = name.lower().replace(" ", "")
        user = User(self.snowflakes.next(), username, name, bot, administrator=administrator)
        self.users[user.id] = user
        self.guild.members.append(user)
        return user

    def add_channel(self, name: str) -> Channel:
        channel = Channel(self.snowflakes.next(), name, guild_id=self.guild.id)
        self.guild.channels.append(channel)
        self.channels[channel.id] = channel
        return channel

    def direct_channel(self, person: User) -> Channel:
        for channel in self.channels.values():
            if channel.recipient is person:
                return channel
        channel = Channel(self.snowflakes.next(), "", DIRECT_MESSAGE, recipient=person)
        self.channels[channel.id] = channel
        return channel

    def find_message(self, message_id: str) -> Message | None:
        for message in reversed(self.messages):
            if message.id == message_id and not message.deleted:
                return message
        return None

    def permissions(self, user: User, channel: Channel) -> Permission:
        if channel.kind == DIRECT_MESSAGE:
            return EVERYONE_MAY
        if user.administrator or user is self.guild.owner:
            return EVERYONE_MAY | Permission.ADMINISTRATOR | Permission.MENTION_EVERYONE
        may = EVERYONE_MAY
        for role in user.roles:
            may |= role.permissions
        return may & ~channel.denied_to_bot if user is self.bot else may

    def in_channel(self, channel: Channel) -> list[Message]:
        """What anybody in the channel sees: nothing deleted, nothing ephemeral."""
        return [
            message
            for message in self.messages
            if message.channel is channel and not message.deleted and not message.flags & EPHEMERAL
        ]
