"""/admin faces: whether personas speak with their own name and picture in a server."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.places import Places

from .saying import Said, say
from .scopes import place_to_change

ON = "Personas speak with their own name and picture in this server."
OFF = "Personas speak with my name and picture in this server."
MISSING = (
    " Here they can't: I need the permission “Manage Webhooks”, for the server or this channel."
)


def faces(places: Places) -> app_commands.Command[Any, ..., None]:
    """The command; its group checks who may use it."""

    @app_commands.command(name="faces", description="Choose whether personas have their own face")
    @app_commands.describe(on="Own name and picture, or mine; leave it out to see what is chosen")
    async def faces(interaction: discord.Interaction[Any], on: bool | None = None) -> None:
        await say(interaction, _choose(places, interaction, on))

    return faces


async def _choose(places: Places, interaction: discord.Interaction[Any], on: bool | None) -> Said:
    server = place_to_change(interaction, "server")
    if on is not None:
        here = await places.change(server, faces=on)
    else:
        (here,) = await places.read(server)
    if here.faces is False:
        return Said(OFF)
    return Said(ON if interaction.app_permissions.manage_webhooks else ON + MISSING)
