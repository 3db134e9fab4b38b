"""Which messages are meant for the bot, and what they say in plain words."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.messages import Incoming
from bot.places import Mode

SPOKEN_TYPES = (discord.MessageType.default, discord.MessageType.reply)
MARKUP = re.compile(r"<(?:(@!?|@&|#)(\d+)|a?:(\w+):\d+)>")


def is_a_persons(message: discord.Message) -> bool:
    """Bots and webhooks are nobody to talk to: two bots would never stop."""
    if message.author.bot or message.webhook_id is not None:
        return False
    return message.type in SPOKEN_TYPES


def is_meant_for(me: discord.abc.User, message: discord.Message, mode: Mode) -> bool:
    """Of a person's messages in a channel of this mode: all, none, or those with a mention of the
    bot (or its own role) and replies to it. A direct message always is."""
    if message.guild is None or mode == "always":
        return True
    if mode == "off":
        return False
    if any(user.id == me.id for user in message.mentions):
        return True
    return _mentions_own_role(message) or _answers(me, message)


def is_own(me: discord.abc.User, message: discord.Message) -> bool:
    """Whether the bot said it, as itself or with a persona's face (by a webhook of its own)."""
    return me.id in (message.author.id, message.application_id)


def incoming(me: discord.abc.User, message: discord.Message) -> Incoming:
    return Incoming(
        conversation=conversation_of(message.channel.id),
        message_id=str(message.id),
        author_id=author_of(message.author.id),
        author_name=message.author.display_name,
        text=readable(me, message),
        places=places_around(message.channel, message.guild),
        roles=roles_of(message.author),
        server=None if message.guild is None else server_of(message.guild.id),
    )


def conversation_of(channel_id: int) -> str:
    """A channel, a thread or a direct message channel is one conversation."""
    return f"discord:{channel_id}"


def places_around(channel: Any, guild: discord.abc.Snowflake | None) -> tuple[str, ...]:
    """The wider places: the channel with its threads, the server; none in direct messages."""
    if guild is None:
        return ()
    channel_id = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
    return f"discord:channel:{channel_id}", server_of(guild.id)


def author_of(user_id: int) -> str:
    """A person is the same one in all servers and in direct messages."""
    return f"discord:{user_id}"


def server_of(guild_id: int) -> str:
    return f"discord:server:{guild_id}"


def role_id(number: int) -> str:
    return f"discord:role:{number}"


def roles_of(person: discord.abc.User) -> tuple[str, ...]:
    """The roles of a member, without the one that everybody has; none outside of a server."""
    if not isinstance(person, discord.Member):
        return ()
    return tuple(role_id(role.id) for role in person.roles if not role.is_default())


def readable(me: discord.abc.User, message: discord.Message) -> str:
    """The text as people see it: names instead of ids; the bot's own mention is left out."""
    names = {user.id: user.display_name for user in message.mentions}
    roles = {role.id: role.name for role in message.role_mentions}
    channels = {channel.id: channel.name for channel in message.channel_mentions}
    own_role = _own_role(message)

    def plain(found: re.Match[str]) -> str:
        kind, number, emoji = found.groups()
        if emoji is not None:
            return f":{emoji}:"
        subject = int(number)
        if kind == "@&":
            return "" if subject == own_role else f"@{roles.get(subject, 'role')}"
        if kind == "#":
            return f"#{channels.get(subject, 'channel')}"
        return "" if subject == me.id else f"@{names.get(subject, 'someone')}"

    return re.sub(r"[ \t]{2,}", " ", MARKUP.sub(plain, message.content)).strip()


def _own_role(message: discord.Message) -> int | None:
    """People often pick the role that Discord made for the bot; looked up where any is named."""
    if message.guild is None or not message.raw_role_mentions:
        return None
    role = message.guild.self_role
    return role.id if role is not None else None


def _mentions_own_role(message: discord.Message) -> bool:
    own_role = _own_role(message)
    return own_role is not None and own_role in message.raw_role_mentions


def _answers(me: discord.abc.User, message: discord.Message) -> bool:
    replied_to = message.reference.resolved if message.reference is not None else None
    return isinstance(replied_to, discord.Message) and is_own(me, replied_to)
