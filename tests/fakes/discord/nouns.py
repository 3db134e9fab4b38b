"""The things there are on Discord; knows no socket, no JSON and no rule."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord.permissions import NOTHING, Overwrite, Permission

TEXT_CHANNEL, DIRECT_MESSAGE, VOICE_CHANNEL, PUBLIC_THREAD, FORUM = 0, 1, 2, 11, 15
EPHEMERAL = 1 << 6
REPLY, THREAD_STARTER = 19, 21


@dataclass(eq=False)
class User:
    id: str
    username: str
    display_name: str
    bot: bool = False
    nick: str | None = None
    closed_to_messages: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Face(User):
    """Who a message of a webhook seems to be from."""

    avatar_url: str | None = None


@dataclass(eq=False)
class Role:
    id: str
    name: str
    permissions: Permission = NOTHING
    bot_id: str | None = None

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(eq=False)
class Member:
    """A user in one guild; everybody has @everyone, which is not among the roles."""

    user: User
    roles: list[Role] = field(default_factory=list)


@dataclass(eq=False)
class Guild:
    """`roles` begins with @everyone, whose id is the guild's; `members` are by their id."""

    id: str
    name: str
    owner: User
    roles: list[Role]
    members: dict[str, Member] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)

    @property
    def everyone(self) -> Role:
        return self.roles[0]

    def member(self, user: User) -> Member | None:
        return self.members.get(user.id)


@dataclass(eq=False)
class Channel:
    """A channel of a guild, or a direct message channel with `recipient`."""

    id: str
    name: str
    kind: int = TEXT_CHANNEL
    guild: Guild | None = None
    recipient: User | None = None
    last_message_id: str | None = None
    """It stays when that message is deleted."""
    deleted: bool = False
    overwrites: dict[str, Overwrite] = field(default_factory=dict)

    @property
    def guild_id(self) -> str | None:
        return self.guild.id if self.guild is not None else None

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"


@dataclass(eq=False)
class Thread(Channel):
    """A public thread in `parent`; one started from a message has the message's id."""

    parent: Channel = field(kw_only=True)
    owner: User = field(kw_only=True)
    created_at: str = field(kw_only=True)
    archived_at: str = field(kw_only=True)
    archived: bool = False
    locked: bool = False
    archive_minutes: int = 1440
    members: list[User] = field(default_factory=list)


@dataclass(eq=False)
class Webhook:
    """`application_id` where a bot made it."""

    id: str
    name: str
    channel: Channel
    token: str
    creator: User
    application_id: str | None = None


@dataclass(frozen=True)
class File:
    """What somebody uploads; the type is guessed from the name, as Discord does."""

    name: str
    data: bytes
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    description: str | None = None


@dataclass(frozen=True)
class Attachment:
    """An uploaded file on a message; `path` is where its bytes are served."""

    id: str
    channel_id: str
    file: File

    @property
    def filename(self) -> str:
        return re.sub(r"[^\w.-]+", "_", self.file.name) or "unknown"

    @property
    def content_type(self) -> str | None:
        guessed = self.file.content_type or mimetypes.guess_type(self.file.name)[0]
        if guessed is not None and guessed.startswith("text/") and ";" not in guessed:
            return f"{guessed}; charset=utf-8"
        return guessed

    @property
    def path(self) -> str:
        return f"/attachments/{self.channel_id}/{self.id}/{self.filename}"


@dataclass(frozen=True)
class Text:
    """What a message said from `at_s` (monotonic) on."""

    content: str
    at_s: float


@dataclass(eq=False)
class Message:
    """`texts` is its history: the first is as sent, each edit adds one.

    `only_for` is the one person who sees an ephemeral one, `interaction` what it answers, `more`
    are further fields of its JSON.
    """

    id: str
    channel: Channel
    author: User
    texts: list[Text]
    flags: int = 0
    reply_to: str | None = None
    nonce: str | None = None
    webhook_id: str | None = None
    application_id: str | None = None
    type: int = 0
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[Role] = field(default_factory=list)
    pinged: set[str] = field(default_factory=set)
    attachments: list[Attachment] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    interaction: dict[str, Any] | None = None
    only_for: User | None = None
    thread: Thread | None = None
    deleted: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> str:
        return self.texts[-1].content

    @property
    def edits(self) -> list[Text]:
        return self.texts[1:]

    @property
    def changed_at_s(self) -> float:
        return self.texts[-1].at_s
