"""What somebody is told who pressed a button: only they see it, and only when there is need."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord

from bot.errors import NotRemembered, UnderstudyError

log = logging.getLogger(__name__)


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
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        log.warning("a press could not be answered: %s", error)
    except Exception:
        log.exception("a press failed")
        await tell(interaction, UnderstudyError.spoken)


async def tell(interaction: discord.Interaction[Any], text: str) -> None:
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.response.send_message(text, ephemeral=True)


async def _take_buttons_away(interaction: discord.Interaction[Any]) -> None:
    if interaction.response.is_done():
        await interaction.edit_original_response(view=None)
    else:
        await interaction.response.edit_message(view=None)
