"""/chat stop: an end to what is being said in this conversation."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.platforms.discord.answering import Answering
from bot.platforms.discord.listening import author_of, conversation_of
from bot.platforms.discord.welcoming import has
from bot.scenes import Scenes

from .saying import Said, say

STOPPED_BY = "{} stopped the scene."


def stop(answering: Answering, scenes: Scenes) -> app_commands.Command[Any, ..., None]:
    """A person stops answers to themselves and a scene of theirs; who may manage messages stops
    all."""

    @app_commands.command(name="stop", description="Stop what I am saying in this conversation")
    async def stop(interaction: discord.Interaction[Any]) -> None:
        await say(interaction, _stop(answering, scenes, interaction))

    return stop


async def _stop(
    answering: Answering, scenes: Scenes, interaction: discord.Interaction[Any]
) -> Said:
    assert interaction.channel_id is not None  # Discord names it in every command
    everybody = has(interaction, "manage_messages")
    asker, where = author_of(interaction.user.id), conversation_of(interaction.channel_id)
    scene = scenes.at(where)
    if scene is not None and (everybody or scene.said.author_id == asker):
        scene.stop(STOPPED_BY.format(interaction.user.display_name))
    else:
        scene = None
    stopped = answering.stop(where, None if everybody else asker)
    if scene is not None:
        return Said("Stopped the scene." if not stopped else "Stopped the scene and all answers.")
    if not stopped:
        return Said(f"I am saying nothing{'' if everybody else ' to you'} here right now.")
    return Said("Stopped 1 answer." if stopped == 1 else f"Stopped {stopped} answers.")
