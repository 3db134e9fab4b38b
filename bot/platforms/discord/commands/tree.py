"""The command tree; what a command could not say itself is said here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands

from bot.access import Access
from bot.errors import UnderstudyError
from bot.platforms.discord.errors import FAILURES
from bot.platforms.discord.telling import tell
from bot.platforms.discord.welcoming import is_admins, refusal_of, turn_away

log = logging.getLogger(__name__)

NOT_ALLOWED = "Only people who may manage this server can do that."
UNKNOWN = "I don't know that command any more. Try again in a minute."
OPEN_TO_ALL = ("memory", "limits")
"""Whoever is not answered still has a right to what is kept of them."""


class CommandTree(app_commands.CommandTree[discord.Client]):
    """Commands of servers and direct messages, for bots that were added to a server."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        self._access: Access | None = None

    def guard(self, access: Access) -> None:
        """From now on commands are for those only who may be answered."""
        self._access = access

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        data: Mapping[str, object] = interaction.data or {}
        command = data.get("name")
        if self._access is None or command in OPEN_TO_ALL:
            return True
        # Nobody locks themselves out of the command that would let them in again.
        admins = command == "admin" and is_admins(interaction)
        refusal = await refusal_of(self._access, interaction, admins=admins)
        if refusal is not None:
            await turn_away(interaction, refusal)
        return refusal is None

    async def on_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /
    ) -> None:
        match error:
            case app_commands.CheckFailure():
                text = NOT_ALLOWED
            case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
                text = UNKNOWN
            case _:
                log.error("a command failed", exc_info=error)
                text = UnderstudyError.spoken
        try:
            await tell(interaction, text)
        except FAILURES as refused:
            log.warning("a command's failure could not be told: %s", refused)
