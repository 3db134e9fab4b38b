"""/chat thread: a thread in which the persona speaks without being mentioned."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.errors import SwitchedOff
from bot.places import Places
from bot.platforms.discord.errors import NoThreadHere
from bot.platforms.discord.listening import places_seen_from

from .saying import Said, say

TOPIC_MAX_CHARS = 100
DEFAULT_TOPIC = "A talk with {}"
IN_NO_THREAD = "Threads are opened in text channels: use this in one."
ASKER_MAY_NOT = "To open a thread you need the permission “{}” in this channel."
I_MAY_NOT = "I need the permission “{}” here. An administrator can give it to me."
FULL = "This server has as many threads as it may. Archive some, then ask me again."
MOST_THREADS_REACHED = 160006
NEEDED = {
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
}


def thread(places: Places) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="thread", description="Open a thread where I need no mention")
    @app_commands.guild_only()
    @app_commands.describe(topic="What it is about: the thread's name")
    async def thread(
        interaction: discord.Interaction[Any], topic: Range[str, 1, TOPIC_MAX_CHARS] | None = None
    ) -> None:
        await say(interaction, _open(places, interaction, topic), private=False)

    return thread


async def _open(places: Places, interaction: discord.Interaction[Any], topic: str | None) -> Said:
    channel = interaction.channel
    if not isinstance(channel, discord.TextChannel):
        raise NoThreadHere(IN_NO_THREAD)
    here = await places.glance(*places_seen_from(channel, interaction.guild))
    if here.mode == "off":
        raise SwitchedOff
    _check(interaction.permissions, ASKER_MAY_NOT)
    _check(interaction.app_permissions, I_MAY_NOT)
    kinds = discord.ChannelType
    try:
        opened = await channel.create_thread(
            name=(topic or "").strip() or DEFAULT_TOPIC.format(interaction.user.display_name),
            type=kinds.news_thread if channel.is_news() else kinds.public_thread,
        )
        await opened.add_user(interaction.user)
    except discord.Forbidden:
        raise NoThreadHere(I_MAY_NOT.format(NEEDED["create_public_threads"])) from None
    except discord.HTTPException as error:
        if error.code != MOST_THREADS_REACHED:
            raise
        raise NoThreadHere(FULL) from None
    return Said(f"Let us talk in {opened.mention}. I need no mention there.", private=False)


def _check(may: discord.Permissions, otherwise: str) -> None:
    """Raises NoThreadHere, which names what is missing."""
    for permission, called in NEEDED.items():
        if not (may.administrator or getattr(may, permission)):
            raise NoThreadHere(otherwise.format(called))
