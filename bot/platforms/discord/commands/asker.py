"""Who asks for answers by a command, and that they may: what they are told is for them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import discord

from bot.errors import UnderstudyError
from bot.platforms.discord.errors import MayNotWrite
from bot.platforms.discord.jumping import visible
from bot.platforms.discord.telling import ACKNOWLEDGE_AFTER_S, tell
from bot.platforms.discord.welcoming import may_write

T = TypeVar("T")


def one_line(text: str, max_chars: int) -> str:
    """Somebody's text as markdown that shows nothing but that text."""
    text = " ".join(visible(text).split())
    if len(text) > max_chars:
        text = text[: max_chars - 1].rstrip() + "…"
    return discord.utils.escape_markdown(text)


def check_may_write(interaction: discord.Interaction[Any]) -> None:
    """For what is said beside the command's own response. Raises MayNotWrite."""
    channel = interaction.channel
    if interaction.guild_id is not None and not may_write(interaction.app_permissions, channel):
        raise MayNotWrite(f"#{getattr(channel, 'name', 'this channel')}")


async def admitted(interaction: discord.Interaction[Any], work: Coroutine[Any, Any, T]) -> T | None:
    """What the work comes to; its response is still to be made, or "thinking" if it took long.

    None: it was refused (UnderstudyError), and who asked has read why.
    """
    task = asyncio.create_task(_outcome(work))
    try:
        done, _ = await asyncio.wait((task,), timeout=ACKNOWLEDGE_AFTER_S)
        if not done:
            await interaction.response.defer(thinking=True)
        outcome = await task
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    if not isinstance(outcome, UnderstudyError):
        return outcome
    await tell(interaction, outcome.spoken, aloud=True)
    return None


async def _outcome(work: Coroutine[Any, Any, T]) -> T | UnderstudyError:
    try:
        return await work
    except UnderstudyError as error:
        return error
