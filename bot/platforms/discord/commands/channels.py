"""/admin channels: which messages of a channel are meant for the bot."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.places import Mode, Places
from bot.platforms.discord.listening import mention, places_around

from .saying import Said, say

SAYS = {
    "mention": "I answer in {} when somebody mentions me or replies to me.",
    "always": "I answer everything that people say in {}.",
    "off": "I answer nobody in {}.",
}


def channels(places: Places) -> app_commands.Command[Any, ..., None]:
    """The command; its group checks who may use it."""

    @app_commands.command(name="channels", description="Choose when I answer in a channel")
    @app_commands.describe(
        mode="When I am mentioned, always, or never (off); leave it out to see what is chosen",
        channel="Which channel, its threads included; this one if left out",
    )
    async def channels(
        interaction: discord.Interaction[Any],
        mode: Mode | None = None,
        channel: discord.TextChannel | discord.VoiceChannel | discord.ForumChannel | None = None,
    ) -> None:
        place, *_ = places_around(channel or interaction.channel, interaction.guild)
        await say(interaction, _choose(places, place, mode))

    return channels


async def _choose(places: Places, place: str, mode: Mode | None) -> Said:
    if mode is not None:
        here = await places.change(place, mode=mode)
    else:
        (here,) = await places.read(place)
    return Said(SAYS[here.mode or "mention"].format(mention(place)))
