"""/admin bots: which other bots may talk to this one."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.errors import ListFull
from bot.places import BOTS_MAX, Places
from bot.platforms.discord.welcoming import is_admins

from .saying import Said, say
from .scopes import server_here

NO_BOT = "{} is no bot: people may talk to me anyway."
MYSELF = "I don't talk to myself."
TOO_MANY = f"That would be more than {BOTS_MAX} bots. Forbid another one first."
NOBODY = "I answer no other bots here."
HOW = "when they mention me or reply to me, a few times until a person says something"


class BotsCommands(app_commands.Group, name="bots", description="Which other bots I answer"):
    """A group of /admin."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """discord.py does not ask the group around a group."""
        return is_admins(interaction)

    @app_commands.command(name="allow", description="Let me answer another bot in this server")
    @app_commands.describe(bot="Which one; I answer it when it mentions me or replies to me")
    async def allow(
        self, interaction: discord.Interaction[Any], bot: discord.Member | discord.User
    ) -> None:
        await say(interaction, self._allow(interaction, bot))

    @app_commands.command(name="forbid", description="Let me ignore a bot that was allowed")
    @app_commands.describe(bot="Which one")
    async def forbid(
        self, interaction: discord.Interaction[Any], bot: discord.Member | discord.User
    ) -> None:
        await say(interaction, self._forbid(interaction, bot))

    @app_commands.command(name="list", description="Show which other bots I answer")
    async def list_all(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, self._list(interaction))

    async def _allow(
        self, interaction: discord.Interaction[Any], bot: discord.Member | discord.User
    ) -> Said:
        if not bot.bot:
            return Said(NO_BOT.format(bot.mention))
        if bot.id == interaction.application_id or bot == interaction.client.user:
            return Said(MYSELF)
        server, id_ = server_here(interaction), str(bot.id)
        try:
            await self._places.enlist(server, "bots", id_, room=BOTS_MAX)
        except ListFull:
            return Said(TOO_MANY)
        return Said(f"I answer {bot.mention} {HOW}.")

    async def _forbid(
        self, interaction: discord.Interaction[Any], bot: discord.Member | discord.User
    ) -> Said:
        await self._places.enlist(server_here(interaction), "bots", str(bot.id), listed=False)
        return Said(f"I ignore {bot.mention}.")

    async def _list(self, interaction: discord.Interaction[Any]) -> Said:
        (here,) = await self._places.read(server_here(interaction))
        names = ", ".join(f"<@{bot}>" for bot in here.bots or ())
        return Said(f"I answer {names} {HOW}." if names else NOBODY)
