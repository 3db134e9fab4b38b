"""Which place a command is about, and who may choose for it."""

from __future__ import annotations

from typing import Any, Literal

import discord

from bot.platforms.discord.errors import MayNotChoose, NoSuchPlace
from bot.platforms.discord.listening import conversation_of, places_around, server_of
from bot.platforms.discord.welcoming import has

Scope = Literal["conversation", "channel", "server"]
SCOPES: tuple[Scope, ...] = ("conversation", "channel", "server")
"""Narrowest first; a channel has its threads in it, which are conversations of their own."""

NEEDED = {
    "channel": ("manage_channels", "Manage Channels"),
    "server": ("manage_guild", "Manage Server"),
}


def places_here(interaction: discord.Interaction[Any]) -> tuple[str, ...]:
    """The places of SCOPES; in direct messages there is the conversation alone."""
    assert interaction.channel_id is not None  # Discord names it in every command
    around = places_around(interaction.channel, interaction.guild)
    return conversation_of(interaction.channel_id), *around


def server_here(interaction: discord.Interaction[Any]) -> str:
    """Of a command that is for servers only."""
    assert interaction.guild_id is not None
    return server_of(interaction.guild_id)


def place_to_change(interaction: discord.Interaction[Any], scope: Scope) -> str:
    """Raises NoSuchPlace, MayNotChoose."""
    if scope != "conversation":
        if interaction.guild is None:
            raise NoSuchPlace
        permission, called = NEEDED[scope]
        if not has(interaction, permission):
            raise MayNotChoose(scope, called)
    return places_here(interaction)[SCOPES.index(scope)]
