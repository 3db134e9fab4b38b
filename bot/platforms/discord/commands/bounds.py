"""/admin bounds: how far /chat settings, /scene and a persona's own settings may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.places import Places
from bot.scene import TURNS_MAX

from .chat import CALLED
from .saying import Said, say
from .scopes import place_to_change

BOUNDED = CALLED | {"scene_turns": "lines of a scene"}


def bounds(places: Places) -> app_commands.Command[Any, ..., None]:
    """The command; its group checks who may use it."""

    @app_commands.command(name="bounds", description="Choose how far settings and scenes may go")
    @app_commands.describe(
        temperature="At most so daring",
        top_p="At most this share of the likeliest words",
        top_k="At most so many of the likeliest words",
        length="An answer has so many tokens at most",
        scene="Personas say so many lines in a /scene at most",
        scope="For this server, or this channel with its threads; the tighter bound holds",
        reset="Take back the bounds that are not given",
    )
    async def bounds(
        interaction: discord.Interaction[Any],
        temperature: Range[float, 0.0, 2.0] | None = None,
        top_p: Range[float, 0.01, 1.0] | None = None,
        top_k: Range[int, 1, 1000] | None = None,
        length: Range[int, 1, 4096] | None = None,
        scene: Range[int, 1, TURNS_MAX] | None = None,
        scope: Literal["server", "channel"] = "server",
        reset: bool = False,
    ) -> None:
        given = {
            "temperature_max": temperature,
            "top_p_max": top_p,
            "top_k_max": top_k,
            "max_tokens_max": length,
            "scene_turns_max": scene,
        }
        chosen = {name: value for name, value in given.items() if reset or value is not None}
        await say(interaction, _choose(places, interaction, scope, chosen))

    return bounds


async def _choose(
    places: Places,
    interaction: discord.Interaction[Any],
    scope: Literal["server", "channel"],
    chosen: Mapping[str, object],
) -> Said:
    place = place_to_change(interaction, scope)
    if chosen:
        here = await places.change(place, **chosen)
    else:
        (here,) = await places.read(place)
    lines = []
    for name, called in BOUNDED.items():
        bound = getattr(here, f"{name}_max")
        lines.append(f"- {called}: {'no bound' if bound is None else f'at most {bound}'}")
    return Said("\n".join([f"The bounds of this {scope}:", *lines]))
