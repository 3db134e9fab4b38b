"""/chat stop: an end to what is being said in this conversation."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.platforms.discord.answering import Answering
from bot.platforms.discord.listening import author_of, conversation_of

from .saying import Said, say
from .scopes import has


def stop(answering: Answering) -> app_commands.Command[Any, ..., None]:
    """A person stops answers to themselves; who may manage messages stops all."""

    @app_commands.command(name="stop", description="Stop what I am saying in this conversation")
    async def stop(interaction: discord.Interaction[Any]) -> None:
        await say(interaction, _stop(answering, interaction))

    return stop


async def _stop(answering: Answering, interaction: discord.Interaction[Any]) -> Said:
    assert interaction.channel_id is not None  # Discord names it in every command
    everybody = has(interaction, "manage_messages")
    asker = None if everybody else author_of(interaction.user.id)
    stopped = answering.stop(conversation_of(interaction.channel_id), asker)
    if not stopped:
        return Said(f"I am saying nothing{'' if everybody else ' to you'} here right now.")
    return Said("Stopped 1 answer." if stopped == 1 else f"Stopped {stopped} answers.")
