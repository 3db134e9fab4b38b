"""Whether somebody who uses a command or a button is to be answered, and what they hear if not."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import discord

from bot.access import Access
from bot.errors import NotWelcome

from .errors import FAILURES
from .listening import author_of, places_around, roles_of, server_of

log = logging.getLogger(__name__)

KNOWN_WITHIN_S = 0.5
"""Discord waits 3 s for an answer; only what was never asked before can take long."""


async def refusal_of(
    access: Access, interaction: discord.Interaction[Any], *, admins: bool = False
) -> NotWelcome | None:
    """Why not; None for who is welcome. `admins`: only what the bot's owner says counts."""
    author = author_of(interaction.user.id)
    if admins:
        return access.barred(author)
    around = _around(interaction)
    asking = access.refusal(author, roles_of(interaction.user), around)
    try:
        return await asyncio.wait_for(asking, KNOWN_WITHIN_S)
    except TimeoutError:
        log.warning("whether somebody is welcome is not known: Redis does not answer")
        return None


def _around(interaction: discord.Interaction[Any]) -> tuple[str, ...]:
    """A channel of a kind that discord.py does not know yet is none to it."""
    if interaction.channel is None and interaction.guild_id is not None:
        return (server_of(interaction.guild_id),)
    return places_around(interaction.channel, interaction.guild)


async def turn_away(interaction: discord.Interaction[Any], refusal: NotWelcome) -> None:
    """Says so to that person alone; while they still type, nothing is offered to them."""
    try:
        if interaction.type is discord.InteractionType.autocomplete:
            await interaction.response.autocomplete([])
        else:
            await interaction.response.send_message(refusal.spoken, ephemeral=True)
    except FAILURES as error:
        log.warning("somebody could not be told that they are not answered: %s", error)


def is_admins(interaction: discord.Interaction[Any]) -> bool:
    """Whether it comes from somebody who may manage this server."""
    return interaction.guild_id is not None and has(interaction, "manage_guild")


def has(interaction: discord.Interaction[Any], permission: str) -> bool:
    """Whether the person who asks has it here; an administrator has all."""
    may = interaction.permissions
    return may.administrator or bool(getattr(may, permission))


def may_write(may: discord.Permissions, channel: object) -> bool:
    """Whether somebody with these permissions may say something there."""
    in_thread = isinstance(channel, discord.Thread)
    speaks = may.send_messages_in_threads if in_thread else may.send_messages
    return may.administrator or (may.view_channel and speaks)
