"""The answer to a command, in time for Discord."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import discord

from bot.errors import UnderstudyError
from bot.platforms.discord.telling import ACKNOWLEDGE_AFTER_S, fitting, tell


@dataclass(frozen=True)
class Said:
    """`private`: only the person who asked sees it."""

    text: str
    private: bool = True


async def say(
    interaction: discord.Interaction[Any],
    work: Coroutine[Any, Any, Said],
    *,
    private: bool = True,
) -> None:
    """Does the work and says what came of it; `private` is how "thinking" looks if it takes long.

    What a person must be told (UnderstudyError) is said to them alone, however long it took.
    """
    task = asyncio.create_task(_spoken(work))
    done, _ = await asyncio.wait((task,), timeout=ACKNOWLEDGE_AFTER_S)
    if not done:
        await interaction.response.defer(ephemeral=private, thinking=True)
    said = await task
    if said.private:
        await tell(interaction, said.text, aloud=not private)
    elif done:
        await interaction.response.send_message(fitting(said.text), suppress_embeds=True)
    else:  # takes the place of the "thinking"
        await interaction.followup.send(fitting(said.text), suppress_embeds=True)


async def _spoken(work: Coroutine[Any, Any, Said]) -> Said:
    try:
        return await work
    except UnderstudyError as error:
        return Said(error.spoken)
