"""What somebody is told who used a command or a button: only they see it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import accumulate
from typing import Any

import discord

from bot.errors import NotRemembered, UnderstudyError

from .errors import FAILURES
from .splitting import MESSAGE_MAX_CHARS

log = logging.getLogger(__name__)

LEFT_OUT_CHARS = 30
"""Room for saying how much is left out."""
ACKNOWLEDGE_AFTER_S = 1.5
"""Half of Discord's 3 s for a first answer, which also hold the way there and back."""


@asynccontextmanager
async def told(interaction: discord.Interaction[Any]) -> AsyncIterator[None]:
    """What a press can't do is said; buttons under what nobody remembers any more go."""
    try:
        try:
            yield
        except UnderstudyError as error:
            if isinstance(error, NotRemembered):
                await _take_buttons_away(interaction)
            await tell(interaction, error.spoken)
    except FAILURES as error:
        log.warning("a press could not be answered: %s", error)
    except Exception:
        # A mistake of ours: the log has all of it, and the person is not left waiting.
        log.exception("a press failed")
        with suppress(*FAILURES):
            await tell(interaction, UnderstudyError.spoken)


async def tell(interaction: discord.Interaction[Any], text: str, *, aloud: bool = False) -> None:
    """`aloud`: if the bot is "thinking" by now, everybody sees that."""
    if not interaction.response.is_done():
        await interaction.response.send_message(fitting(text), ephemeral=True, suppress_embeds=True)
        return
    if aloud:  # what takes the place of the "thinking" is seen by the same people
        await interaction.delete_original_response()
    await interaction.followup.send(fitting(text), ephemeral=True, suppress_embeds=True)


def fitting(text: str) -> str:
    """What Discord takes of it: whole lines, and how many more there are."""
    if len(text) <= MESSAGE_MAX_CHARS:
        return text
    lines = text.splitlines()
    ends = accumulate(len(line) + 1 for line in lines)
    kept = sum(end <= MESSAGE_MAX_CHARS - LEFT_OUT_CHARS for end in ends)
    if not kept:
        return text[: MESSAGE_MAX_CHARS - 1] + "…"
    return "\n".join([*lines[:kept], f"… and {len(lines) - kept} more lines"])


async def _take_buttons_away(interaction: discord.Interaction[Any]) -> None:
    if interaction.response.is_done():
        await interaction.edit_original_response(view=None)
    else:
        await interaction.response.edit_message(view=None)
