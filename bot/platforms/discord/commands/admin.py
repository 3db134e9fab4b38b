"""/admin: what only administrators may do."""

from __future__ import annotations

import time
from typing import Any

import discord
from discord import app_commands

from bot.platforms.discord.welcoming import is_admins
from bot.wiring import App

from .admin_access import access_commands
from .admin_feedback import feedback
from .admin_limits import admin_limits
from .admin_persona import AdminPersonaCommands
from .admin_rollouts import rollout_commands
from .admin_status import status
from .bots import BotsCommands
from .bounds import bounds
from .channels import channels
from .faces import faces
from .saying import say


class AdminCommands(
    app_commands.Group,
    name="admin",
    description="For administrators of this server",
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
):
    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app
        self._since_s = time.time()
        commands: tuple[app_commands.Command[Any, ..., None] | app_commands.Group, ...] = (
            channels(app.places),
            bounds(app.places),
            faces(app.places),
            feedback(app.places),
            admin_limits(app.limits),
            *rollout_commands(app.personas, app.admin, app.access),
            *access_commands(app.places),
            BotsCommands(app.places),
            AdminPersonaCommands(app),
        )
        for command in commands:
            self.add_command(command)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Checked here again: a server may show the commands to others than its managers."""
        return is_admins(interaction)

    @app_commands.command(name="status", description="Show how all that makes me speak is doing")
    async def status(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, status(self._app, interaction, self._since_s))
