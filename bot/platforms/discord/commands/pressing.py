"""Buttons that work after a restart: all that a press needs is in the button's own id."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord.ui import Button, DynamicItem, View

from bot.access import Access
from bot.platforms.discord.telling import told
from bot.platforms.discord.welcoming import refusal_of

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
            async with told(interaction):
                if refusal := await refusal_of(access, interaction):
                    raise refusal
                await pressed(interaction, match)

    return Kept


def row(kind: Kind, *buttons: Button[Any]) -> View:
    """The buttons of one kind under a message."""
    view = View(timeout=None)
    for button in buttons:
        view.add_item(kind(button))
    return view
