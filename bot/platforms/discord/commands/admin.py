"""/admin: what only administrators may do."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.admin import Admin, Rollout
from bot.errors import UnderstudyError
from bot.limits import Limits
from bot.personas import Personas
from bot.places import Places

from .admin_feedback import feedback
from .admin_limits import admin_limits
from .bounds import bounds
from .channels import channels
from .names import offered
from .saying import Said, say
from .scopes import has

log = logging.getLogger(__name__)


class AdminCommands(
    app_commands.Group,
    name="admin",
    description="For administrators of this server",
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
):
    def __init__(self, personas: Personas, admin: Admin, places: Places, limits: Limits) -> None:
        super().__init__()
        self.add_command(channels(places))
        self.add_command(bounds(places))
        self.add_command(admin_limits(limits))
        self.add_command(feedback(places))
        self._personas = personas
        self._admin = admin

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Checked here again: a server may show the commands to others than its managers."""
        return has(interaction, "manage_guild")

    @app_commands.command(name="reload", description="Serve a persona's newest version")
    @app_commands.describe(persona="Whose newest published version is to be served")
    async def reload(self, interaction: discord.Interaction[Any], persona: str) -> None:
        log.info("%s asks to reload %s", interaction.user.id, persona)
        await say(interaction, self._reload(persona), acknowledge_after_s=0)

    @reload.autocomplete("persona")
    async def _offer(self, _: discord.Interaction[Any], typed: str) -> list[Choice[str]]:
        return await offered(self._personas, typed)

    async def _reload(self, persona: str) -> Said:
        try:
            return Said(outcome(await self._admin.reload(persona)))
        except UnderstudyError as error:
            log.warning("the reload of %s failed: %s", persona, error)
            raise


def outcome(rollout: Rollout) -> str:
    """What a finished rollout changed, in one line."""
    version = "the base model" if rollout.version is None else f"version {rollout.version}"
    took = "" if rollout.seconds is None else f" It took {rollout.seconds:.1f} s."
    if rollout.version == rollout.previous:
        return f"{rollout.persona} speaks with {version}, as before.{took}"
    before = "nothing" if rollout.previous is None else f"version {rollout.previous}"
    return f"{rollout.persona} speaks with {version} now (before: {before}).{took}"
