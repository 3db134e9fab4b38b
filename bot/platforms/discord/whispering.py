"""An answer to an interaction that only the person who asked sees."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import discord
from discord.ui import View
from discord.utils import MISSING

from .delivery import Outbox


class Whisper(Outbox):
    """In place of a reply in the channel; the interaction must have been deferred."""

    def __init__(self, interaction: discord.Interaction[Any], about: discord.Message) -> None:
        super().__init__(about, asker=interaction.user)
        self._interaction = interaction

    def typing(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()  # Discord shows that the bot thinks

    async def post(self, text: str, *, as_reply: bool, view: View | None = None) -> discord.Message:  # noqa: ARG002
        """Discord lets the first take the place of the thinking."""
        return await self._attempt(
            lambda: self._interaction.followup.send(
                text, ephemeral=True, wait=True, suppress_embeds=True
            )
        )

    async def edit(
        self,
        message: discord.Message,
        text: str,
        *,
        view: View | None = MISSING,  # noqa: ARG002  # nobody but the asker could press
    ) -> discord.Message:
        await self._attempt(lambda: message.edit(content=text))
        return message
