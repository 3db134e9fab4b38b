"""/chat: this conversation's own way to answer, and forgetting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.memory import Memory
from bot.personas import Personas
from bot.places import Places, PlaceSettings, merged, sampled
from bot.platforms.discord.answering import Answering
from bot.platforms.discord.listening import said_at_ms
from bot.scenes import Scenes

from .chat_stop import stop
from .saying import Said, say
from .scopes import places_here
from .thread import thread

CALLED = {
    "temperature": "temperature",
    "top_p": "top-p",
    "top_k": "top-k",
    "max_tokens": "length in tokens",
}


class ChatCommands(app_commands.Group, name="chat", description="This conversation"):
    def __init__(
        self,
        personas: Personas,
        places: Places,
        memory: Memory,
        answering: Answering,
        scenes: Scenes,
    ) -> None:
        super().__init__()
        self.add_command(thread(places))
        self.add_command(stop(answering, scenes))
        self._personas = personas
        self._places = places
        self._memory = memory
        self._scenes = scenes

    @app_commands.command(name="reset", description="Forget what was said in this conversation")
    async def reset(self, interaction: discord.Interaction[Any]) -> None:
        conversation, *_ = places_here(interaction)
        await say(interaction, self._reset(conversation, interaction.id), private=False)

    @app_commands.command(
        name="settings", description="Show or change how I answer in this conversation"
    )
    @app_commands.describe(
        temperature="How daring: 0 always takes the likeliest word",
        top_p="Only the likeliest words that together have this probability",
        top_k="Only so many of the likeliest words",
        length="An answer has so many tokens at most (about ¾ of a word each)",
        reset="Begin with the persona's own settings again",
    )
    async def settings(
        self,
        interaction: discord.Interaction[Any],
        temperature: Range[float, 0.0, 2.0] | None = None,
        top_p: Range[float, 0.01, 1.0] | None = None,
        top_k: Range[int, 1, 1000] | None = None,
        length: Range[int, 1, 4096] | None = None,
        reset: bool = False,
    ) -> None:
        given = {
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "max_tokens": length,
        }
        chosen = {name: value for name, value in given.items() if reset or value is not None}
        await say(interaction, self._settings(places_here(interaction), chosen))

    async def _reset(self, conversation: str, asked: int) -> Said:
        await self._memory.reset(conversation, said_at_ms(asked))
        self._scenes.reset(conversation)
        return Said("Forgotten. We begin anew.", private=False)

    async def _settings(self, places: tuple[str, ...], chosen: Mapping[str, object]) -> Said:
        if chosen:
            await self._places.change(places[0], **chosen)
        settings = await self._places.read(*places)
        here = merged(settings)
        persona = sampled(await self._personas.chosen(here.persona), here)
        drawn = {**persona.sampling.given(), "max_tokens": persona.sampling.max_tokens}
        lines = [_line(name, drawn.get(name), settings[0], here) for name in CALLED]
        who = discord.utils.escape_markdown(persona.display_name)
        return Said("\n".join([f"{who} answers here with", *lines]))


def _line(name: str, value: object, own: PlaceSettings, here: PlaceSettings) -> str:
    """One setting as it holds, and why: chosen in this conversation, bounded from outside."""
    notes = []
    if (chosen := getattr(own, name)) is not None:
        notes.append("set here" if chosen == value else f"{chosen} was set here")
    if (bound := getattr(here, f"{name}_max")) is not None:
        notes.append(f"at most {bound} is allowed")
    why = f" ({'; '.join(notes)})" if notes else ""
    return f"- {CALLED[name]}: {'the model’s own' if value is None else value}{why}"
