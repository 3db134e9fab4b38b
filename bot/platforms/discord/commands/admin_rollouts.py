"""/admin reload and rollback: another version of a persona, shown step by step while it comes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice, Range

from bot.access import Access
from bot.admin import Admin, Rollout
from bot.errors import UnderstudyError
from bot.personas import Personas
from bot.platforms.discord.errors import FAILURES
from bot.platforms.discord.listening import author_of
from bot.platforms.discord.telling import fitting

from .names import meant, offered
from .versions import Versions

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 1.5
MOST_VERSIONS = 10**9 - 1
Verb = Literal["reload", "rollback"]
WHOSE = "Whose version is to change, by either name"


def rollout_commands(
    personas: Personas, admin: Admin, access: Access
) -> tuple[app_commands.Command[Any, ..., None], ...]:
    """The commands; their group checks who manages a server, and they who operates the bot."""
    versions = Versions(personas, admin)

    def changing(
        verb: Verb, description: str, otherwise: str
    ) -> app_commands.Command[Any, ..., None]:
        @app_commands.command(name=verb, description=description)
        @app_commands.describe(persona=WHOSE, version=f"Which one; {otherwise} if left out")
        async def change(
            interaction: discord.Interaction[Any],
            persona: str,
            version: Range[int, 1, MOST_VERSIONS] | None = None,
        ) -> None:
            await _show(interaction, access, Change(verb, personas, admin, persona, version))

        @change.autocomplete("persona")
        async def _names(_: discord.Interaction[Any], typed: str) -> list[Choice[str]]:
            return await offered(personas, typed)

        @change.autocomplete("version")
        async def _numbers(
            interaction: discord.Interaction[Any], typed: object
        ) -> list[Choice[int]]:
            persona = str(interaction.namespace.persona or "")
            return await versions.offered(persona, str(typed or ""))

        return change

    return (
        changing("reload", "Let a persona speak with another version", "the newest"),
        changing("rollback", "Let a persona speak as it did before", "the one before this"),
    )


@dataclass(frozen=True)
class Change:
    """What somebody asked for."""

    verb: Verb
    personas: Personas
    admin: Admin
    persona: str
    version: int | None

    async def run(self) -> str:
        """Until it is done; what came of it. A version to go back to is one to reload."""
        try:
            name = await meant(self.personas, self.persona)
            if self.verb == "rollback" and self.version is None:
                done = outcome(await self.admin.rollback(name))
            else:
                done = outcome(await self.admin.reload(name, self.version))
        except UnderstudyError as error:
            log.warning("the %s of %s failed: %s", self.verb, self.persona[:40], error)
            return error.spoken
        self.personas.look_again()
        log.info("the %s is done: %s", self.verb, done)
        return done

    async def progress(self) -> str | None:
        """The step that a rollout is at; None where the server does not tell."""
        try:
            name = await meant(self.personas, self.persona)
            one = (await self.admin.status()).personas.get(name)
        except UnderstudyError as error:
            log.debug("the progress of a rollout is not known: %s", error)
            return None
        if one is None or not one.busy or one.rollout is None:
            return None
        return f"{name}, version {one.rollout.version}: {one.rollout.progress}"


def outcome(rollout: Rollout) -> str:
    """What a finished rollout changed, in one line."""
    version = "the base model" if rollout.version is None else f"version {rollout.version}"
    took = f" It took {rollout.seconds:.1f} s." if (rollout.seconds or 0) >= 0.1 else ""
    if rollout.version == rollout.previous:
        return f"{rollout.persona} speaks with {version}, as before.{took}"
    before = "nothing" if rollout.previous is None else f"version {rollout.previous}"
    return f"{rollout.persona} speaks with {version} now (before: {before}).{took}"


async def _show(interaction: discord.Interaction[Any], access: Access, change: Change) -> None:
    """The steps as they come, then the outcome, whatever becomes of the interaction meanwhile."""
    try:
        access.check_operates(author_of(interaction.user.id))
    except UnderstudyError as error:
        await interaction.response.send_message(error.spoken, ephemeral=True)
        return
    log.info("%s asks for a %s of %s", interaction.user.id, change.verb, change.persona[:40])
    await interaction.response.defer(ephemeral=True, thinking=True)
    running, shown = asyncio.create_task(change.run()), ""
    while not (await asyncio.wait((running,), timeout=PROGRESS_EVERY_S))[0]:
        progress = await change.progress()
        if progress and progress != shown and not running.done():
            await _edit(interaction, progress)
            shown = progress
    await _tell(interaction, running.result())


async def _edit(interaction: discord.Interaction[Any], text: str) -> bool:
    try:
        await interaction.edit_original_response(content=fitting(text))
    except FAILURES as error:
        log.warning("a rollout could not be shown: %s", error)
        return False
    return True


async def _tell(interaction: discord.Interaction[Any], text: str) -> None:
    """Discord forgets a command after 15 minutes; then a direct message says what came of it."""
    if await _edit(interaction, text):
        return
    try:
        await interaction.user.send(fitting(text))
    except FAILURES as error:
        log.warning("nobody could be told what came of a rollout: %s", error)
