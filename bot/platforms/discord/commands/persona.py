"""/persona: who can speak here, and who does."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.cards import Persona
from bot.memory import Memory
from bot.personas import Personas
from bot.platforms.discord.listening import conversation_of

from .names import offered
from .saying import Said, say


class PersonaCommands(
    app_commands.Group, name="persona", description="Who speaks in this conversation"
):
    def __init__(self, personas: Personas, memory: Memory) -> None:
        super().__init__()
        self._personas = personas
        self._memory = memory

    @app_commands.command(name="list", description="Show who can speak here")
    async def list_all(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, self._list(_conversation(interaction)))

    @app_commands.command(name="switch", description="Let somebody else speak here")
    @app_commands.describe(name="Who is to speak in this conversation")
    async def switch(self, interaction: discord.Interaction[Any], name: str) -> None:
        # Everybody here should see that somebody else speaks now; mistakes only the asker.
        await say(interaction, self._switch(_conversation(interaction), name), private=False)

    @switch.autocomplete("name")
    async def _offer(self, _: discord.Interaction[Any], typed: str) -> list[Choice[str]]:
        return await offered(self._personas, typed)

    async def _list(self, conversation: str) -> Said:
        known = await self._personas.list()
        speaking = await self._personas.chosen(await self._memory.chosen(conversation))
        lines = [_line(persona, persona.name == speaking.name) for persona in known]
        return Said("\n".join(lines) or "There is nobody yet.")

    async def _switch(self, conversation: str, name: str) -> Said:
        persona = await self._personas.get(name)
        await self._memory.choose(conversation, persona.name)
        return Said(f"{_plain(persona.display_name)} speaks here from now on.", private=False)


def _conversation(interaction: discord.Interaction[Any]) -> str:
    assert interaction.channel_id is not None  # Discord names it in every command
    return conversation_of(interaction.channel_id)


def _line(persona: Persona, speaks: bool) -> str:
    version = f" · version {persona.current}" if persona.current is not None else ""
    here = " — speaks here" if speaks else ""
    return f"**{_plain(persona.display_name)}** (`{persona.name}`){version}{here}"


def _plain(name: str) -> str:
    return discord.utils.escape_markdown(name)
