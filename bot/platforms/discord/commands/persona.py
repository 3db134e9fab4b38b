"""/persona: who can speak here, who does, and who chose that."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.cards import Persona
from bot.personas import Personas
from bot.places import Places, merged

from .names import offered
from .origin import origin
from .saying import Said, say
from .scopes import SCOPES, Scope, place_to_change, places_here

SCOPE_HELP = "For this conversation, this channel with its threads, or this server"
WHERE: dict[Scope, str] = {
    "conversation": "here",
    "channel": "in this channel",
    "server": "in this server",
}


class PersonaCommands(app_commands.Group, name="persona", description="Who speaks here"):
    def __init__(self, personas: Personas, places: Places) -> None:
        super().__init__()
        self._personas = personas
        self._places = places

    @app_commands.command(name="list", description="Show who can speak here")
    async def list_all(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, self._list(places_here(interaction)))

    @app_commands.command(name="show", description="Show what there is to know about somebody")
    @app_commands.describe(name="Whom you want to know about; who speaks here if left out")
    async def show(self, interaction: discord.Interaction[Any], name: str | None = None) -> None:
        await say(interaction, self._show(places_here(interaction), name))

    # Everybody here should see that somebody else speaks now; mistakes only the asker.

    @app_commands.command(name="switch", description="Let somebody else speak here")
    @app_commands.describe(name="Who is to speak", scope=SCOPE_HELP)
    async def switch(
        self, interaction: discord.Interaction[Any], name: str, scope: Scope = "conversation"
    ) -> None:
        await say(interaction, self._switch(interaction, name, scope), private=False)

    @app_commands.command(name="reset", description="Take back who was chosen to speak here")
    @app_commands.describe(scope=SCOPE_HELP)
    async def reset(
        self, interaction: discord.Interaction[Any], scope: Scope = "conversation"
    ) -> None:
        await say(interaction, self._reset(interaction, scope), private=False)

    @show.autocomplete("name")
    @switch.autocomplete("name")
    async def _offer(self, _: discord.Interaction[Any], typed: str) -> list[Choice[str]]:
        return await offered(self._personas, typed)

    async def _list(self, places: tuple[str, ...]) -> Said:
        known = await self._personas.list()
        speaking, by = await self._speaking(places)
        lines = [_line(persona, persona.name == speaking.name, by) for persona in known]
        return Said("\n".join(lines) or "There is nobody yet.")

    async def _show(self, places: tuple[str, ...], name: str | None) -> Said:
        speaking, by = await self._speaking(places)
        persona = await self._personas.named(name) if name else speaking
        lines = [_line(persona, persona.name == speaking.name, by), *origin(persona)]
        if persona.versions:
            lines.append(f"Versions: {', '.join(map(str, persona.versions))}")
        if persona.greeting:
            lines.append(f"Greets with: “{_plain(persona.greeting)}”")
        if persona.starters:
            lines.append("To begin with:")
            lines += [f"- {_plain(starter)}" for starter in persona.starters]
        return Said("\n".join(lines))

    async def _switch(self, interaction: discord.Interaction[Any], name: str, scope: Scope) -> Said:
        place = place_to_change(interaction, scope)
        persona = await self._personas.named(name)
        await self._places.change(place, persona=persona.name)
        said = f"{_plain(persona.display_name)} speaks {WHERE[scope]} from now on."
        speaking, by = await self._speaking(places_here(interaction))
        if speaking.name != persona.name:
            other = _plain(speaking.display_name)
            said += f" Right here {other} still does, chosen for this {by}."
        return Said(said, private=False)

    async def _reset(self, interaction: discord.Interaction[Any], scope: Scope) -> Said:
        await self._places.change(place_to_change(interaction, scope), persona=None)
        speaking, by = await self._speaking(places_here(interaction))
        chosen = f", chosen for this {by}" if by else ""
        return Said(
            f"Nobody is chosen for this {scope} any more."
            f" {_plain(speaking.display_name)} speaks here{chosen}.",
            private=False,
        )

    async def _speaking(self, places: tuple[str, ...]) -> tuple[Persona, Scope | None]:
        """Who speaks here, and for what they were chosen; None: they are the default."""
        settings = await self._places.read(*places)
        persona = await self._personas.chosen(merged(settings).persona)
        chosen = (scope for scope, said in zip(SCOPES, settings, strict=False) if said.persona)
        by = next(chosen, None) if merged(settings).persona == persona.name else None
        return persona, by


def _line(persona: Persona, speaks: bool, by: Scope | None) -> str:
    version = f" · version {persona.current}" if persona.current is not None else ""
    here = " — speaks here" if speaks else ""
    chosen = f", chosen for this {by}" if speaks and by else ""
    return f"**{_plain(persona.display_name)}** (`{persona.name}`){version}{here}{chosen}"


def _plain(name: str) -> str:
    return discord.utils.escape_markdown(name)
