"""Buttons that work after a restart: all that a press needs is in the button's own id."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord
from discord.ui import Button, DynamicItem, View

from bot.access import Access
from bot.errors import UnderstudyError
from bot.platforms.discord.telling import tell
from bot.platforms.discord.welcoming import refusal_of

log = logging.getLogger(__name__)

Pressed = Callable[[discord.Interaction[Any], re.Match[str]], Awaitable[None]]
Kind = type[DynamicItem[Button[Any]]]


def button_kind(pattern: str, pressed: Pressed, access: Access) -> Kind:
    """Buttons whose id has this pattern; a client that knows the kind calls `pressed` for those
    who are welcome.

    What `pressed` raises is said to who pressed.
    """

    class Kept(DynamicItem[Button[Any]], template=pattern):
        @classmethod
        async def from_custom_id(
            cls, _: discord.Interaction[Any], item: Any, __: re.Match[str], /
        ) -> Kept:
            return cls(item)

        async def callback(self, interaction: discord.Interaction[Any]) -> None:
            match = self.template.fullmatch(self.custom_id)
            assert match is not None  # discord.py looked
            try:
                if refusal := await refusal_of(access, interaction):
                    raise refusal
                await pressed(interaction, match)
            except UnderstudyError as error:
                await tell(interaction, error.spoken)
            except (discord.HTTPException, aiohttp.ClientError) as error:
                log.warning("a press could not be answered: %s", error)

    return Kept


def row(kind: Kind, *buttons: Button[Any]) -> View:
    """The buttons of one kind under a message."""
    view = View(timeout=None)
    for button in buttons:
        view.add_item(kind(button))
    return view
