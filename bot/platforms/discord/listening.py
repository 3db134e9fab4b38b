"""Which messages are meant for the bot, and what they say in plain words.

What a message's files hold is not read here (`files`), only that they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import discord

from bot.around import Heard
from bot.messages import Incoming, as_remembered
from bot.places import Mode, PlaceSettings
from bot.prompt import cut

from .files import named_all

SPOKEN_TYPES = (discord.MessageType.default, discord.MessageType.reply)
SHOWN_TYPES = (
    *SPOKEN_TYPES,
    discord.MessageType.chat_input_command,  # what bots answer to their commands
    discord.MessageType.context_menu_command,
)
SUBTEXT = "-# "
"""Begins a line that is about the message, and not part of what is said in it."""
CHANNEL, ROLE = "discord:channel:", "discord:role:"
"""How the ids of channels, as places around, and of roles begin."""
WORD_MAX_CHARS = 100
MARKUP = re.compile(r"<(?:(@!?|@&|#)(\d+)|a?:(\w+):\d+)>")


def is_a_persons(message: discord.Message) -> bool:
    """Bots and webhooks are nobody to talk to: two bots would never stop."""
    if message.author.bot or message.webhook_id is not None:
        return False
    return message.type in SPOKEN_TYPES


def mode_of(me: discord.abc.User, channel: Any, here: PlaceSettings) -> Mode:
    """What is chosen for a channel; in threads of its own the bot speaks unasked."""
    mode = here.mode or "mention"
    if mode == "mention" and isinstance(channel, discord.Thread):
        return "always" if here.own or channel.owner_id == me.id else mode
    return mode


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


def said_by(interaction: discord.Interaction[Any], text: str = "") -> Incoming:
    """What somebody says by a command or a press, as if it were a message of theirs."""
    assert interaction.channel_id is not None  # Discord names it in every one of them
    guild_id = interaction.guild_id
    return Incoming(
        conversation=conversation_of(interaction.channel_id),
        message_id=str(interaction.id),
        author_id=author_of(interaction.user.id),
        author_name=interaction.user.display_name,
        text=as_remembered(text),
        places=places_around(interaction.channel, interaction.guild),
        roles=roles_of(interaction.user),
        server=None if guild_id is None else server_of(guild_id),
    )


def line_of(me: discord.abc.User, message: discord.Message) -> Heard | None:
    """A message as others' talk, its files named; None for what nobody says or sees."""
    if message.type not in SHOWN_TYPES:
        return None
    own, text = is_own(me, message), readable(me, message)
    if own:
        text = "\n".join(line for line in text.splitlines() if not line.startswith(SUBTEXT))
    text = f"{text}\n{named_all(message.attachments)}".strip()
    if not text:
        return None
    by_itself = own and message.webhook_id is None
    return Heard(
        message_id=str(message.id),
        author_id=author_of(message.author.id),
        author_name="" if by_itself else message.author.display_name,
        text=text,
        at_ms=said_at_ms(message.id),
        person=is_a_persons(message),
        own=own,
        replies_to=replied_to(message),
    )


def replied_to(message: discord.Message) -> str | None:
    """The id of the message that this one replies to; forwarding is no reply."""
    reference = message.reference
    if message.type != discord.MessageType.reply or reference is None:
        return None
    return None if reference.message_id is None else str(reference.message_id)


def said_at_ms(number: int) -> int:
    """When something with this id came to be, by Discord's clock."""
    return int(discord.utils.snowflake_time(number).timestamp() * 1000)


def conversation_of(channel_id: int) -> str:
    """A channel, a thread or a direct message channel is one conversation."""
    return f"discord:{channel_id}"


def places_around(channel: Any, guild: discord.abc.Snowflake | None) -> tuple[str, ...]:
    """The wider places: the channel with its threads, the server; none in direct messages."""
    if guild is None:
        return ()
    channel_id = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
    return f"{CHANNEL}{channel_id}", server_of(guild.id)


def places_seen_from(channel: Any, guild: discord.abc.Snowflake | None) -> tuple[str, ...]:
    """What is looked at for every message seen: a thread may be the bot's own."""
    around = places_around(channel, guild)
    return (conversation_of(channel.id), *around) if isinstance(channel, discord.Thread) else around


def author_of(user_id: int) -> str:
    """A person is the same one in all servers and in direct messages."""
    return f"discord:{user_id}"


def server_of(guild_id: int) -> str:
    return f"discord:server:{guild_id}"


def role_id(number: int) -> str:
    return f"{ROLE}{number}"


def mention(subject: str) -> str:
    """A person, a role or a channel by its id, as Discord shows it; commands ping nobody."""
    number = subject.rpartition(":")[2]
    if subject.startswith(CHANNEL):
        return f"<#{number}>"
    return f"<@&{number}>" if subject.startswith(ROLE) else f"<@{number}>"


def roles_of(person: discord.abc.User) -> tuple[str, ...]:
    """The roles of a member, without the one that everybody has; none outside of a server."""
    if not isinstance(person, discord.Member):
        return ()
    return tuple(role_id(role.id) for role in person.roles if not role.is_default())


def readable(me: discord.abc.User, message: discord.Message) -> str:
    """The text as people see it: names instead of ids; the bot's own mention is left out; what
    is no text in short words."""
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

    words = re.sub(r"[ \t]{2,}", " ", MARKUP.sub(plain, message.content)).strip()
    return "\n".join(filter(None, (words, *_beside_text(message))))


def _beside_text(message: discord.Message) -> Iterator[str]:
    for sticker in message.stickers:
        yield f"[sticker: {_word(sticker.name)}]"
    if message.poll is not None:
        answers = " / ".join(answer.text for answer in message.poll.answers)
        yield f"[poll: {_word(message.poll.question)} {_word(answers)}]"
    for forwarded in message.message_snapshots:
        yield f"[forwarded: {forwarded.content}]"
    for embed in message.embeds[:3]:
        if about := embed.title or embed.description:
            yield f"[embed: {_word(about)}]"


def _word(text: str | None) -> str:
    return cut(" ".join((text or "").split()), WORD_MAX_CHARS)


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
    answered = message.reference.resolved if message.reference is not None else None
    return isinstance(answered, discord.Message) and is_own(me, answered)
