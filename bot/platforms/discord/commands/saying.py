"""The answer to a command, within the 3 s that Discord allows for a first one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import discord

from bot.errors import UnderstudyError
from bot.platforms.discord.splitting import MESSAGE_MAX_CHARS

ACKNOWLEDGE_AFTER_S = 1.5
"""Half of Discord's 3 s, which also hold the way there and back."""


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
    acknowledge_after_s: float = ACKNOWLEDGE_AFTER_S,
) -> None:
    """Does the work and says what came of it; `private` is how "thinking" looks if it takes long.

    What a person must be told (UnderstudyError) is said to them alone.
    """
    task = asyncio.create_task(_spoken(work))
    done, _ = await asyncio.wait((task,), timeout=acknowledge_after_s)
    if done:
        said = task.result()
        await interaction.response.send_message(fitting(said.text), ephemeral=said.private)
        return
    await interaction.response.defer(ephemeral=private, thinking=True)
    said = await task
    await interaction.edit_original_response(content=fitting(said.text))


async def _spoken(work: Coroutine[Any, Any, Said]) -> Said:
    try:
        return await work
    except UnderstudyError as error:
        return Said(error.spoken)


def fitting(text: str) -> str:
    """What Discord takes of it."""
    return text if len(text) <= MESSAGE_MAX_CHARS else text[: MESSAGE_MAX_CHARS - 1] + "…"
