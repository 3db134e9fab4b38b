"""/scene: two to four personas talk with each other, and people join in."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

import discord
from discord import ButtonStyle, app_commands
from discord.app_commands import Choice, Range
from discord.ui import Button

from bot.access import Access
from bot.cards import Persona
from bot.errors import UnderstudyError
from bot.personas import Personas
from bot.platforms.discord.errors import FAILURES
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.listening import said_by
from bot.platforms.discord.staging import DiscordStage
from bot.platforms.discord.telling import tell
from bot.platforms.discord.welcoming import has
from bot.scene import TURNS_MAX, Scene
from bot.scenes import Scenes

from .asker import admitted, check_may_write, one_line
from .chat_stop import STOPPED_BY
from .names import offered
from .pressing import Kind, button_kind, row

log = logging.getLogger(__name__)

TURNS = 8
TOPIC_MAX_CHARS = 500
PATTERN = r"understudy:scene:stop:(?P<id>[\w-]+):(?P<starter>\d+)"
ENDED = "This scene has ended already."
NOBODY = discord.AllowedMentions.none()


class OneVoiceTwice(UnderstudyError):
    spoken = "Choose different personas: nobody talks with themselves."


def staging(
    scenes: Scenes, personas: Personas, faces: Faces, access: Access
) -> tuple[app_commands.Command[Any, ..., None], Kind]:
    """The command, and the kind of its stop button."""
    kind = button_kind(PATTERN, _Stop(scenes).pressed, access)

    @app_commands.command(name="scene", description="Let personas talk with each other")
    @app_commands.describe(
        topic="What they talk about",
        persona_1="Who begins",
        persona_2="Who answers",
        persona_3="A third one, if you like",
        persona_4="A fourth one, if you like",
        turns=f"How many lines they say together; {TURNS} if left out",
    )
    async def scene(
        interaction: discord.Interaction[Any],
        topic: Range[str, 1, TOPIC_MAX_CHARS],
        persona_1: str,
        persona_2: str,
        persona_3: str | None = None,
        persona_4: str | None = None,
        turns: Range[int, 1, TURNS_MAX] = TURNS,
    ) -> None:
        names = [name for name in (persona_1, persona_2, persona_3, persona_4) if name]

        async with AsyncExitStack() as stack:

            async def begin() -> Scene:
                check_may_write(interaction)
                cast = [await personas.named(name) for name in names]
                if len({persona.name for persona in cast}) < len(cast):
                    raise OneVoiceTwice
                said = said_by(interaction, topic)
                return await stack.enter_async_context(scenes.scene(said, cast, turns))

            if (begun := await admitted(interaction, begin())) is not None:
                await _open(interaction, begun, kind)
                assert isinstance(interaction.channel, discord.abc.Messageable)
                await begun.play(DiscordStage(interaction.channel, faces))
                await _close(interaction)

    @scene.autocomplete("persona_1")
    @scene.autocomplete("persona_2")
    @scene.autocomplete("persona_3")
    @scene.autocomplete("persona_4")
    async def _offer(_: discord.Interaction[Any], typed: str) -> list[Choice[str]]:
        return await offered(personas, typed)

    return scene, kind


async def _open(interaction: discord.Interaction[Any], scene: Scene, kind: Kind) -> None:
    """The response to the command: who talks about what, and the way to stop them."""
    topic = one_line(scene.said.text, TOPIC_MAX_CHARS)
    text = f"{_together(scene.cast)} talk about: {topic}"
    custom_id = f"understudy:scene:stop:{scene.id}:{interaction.user.id}"
    stop = row(kind, Button(style=ButtonStyle.danger, label="Stop", custom_id=custom_id))
    if interaction.response.is_done():
        await interaction.followup.send(
            text, view=stop, suppress_embeds=True, allowed_mentions=NOBODY
        )
    else:
        await interaction.response.send_message(
            text, view=stop, suppress_embeds=True, allowed_mentions=NOBODY
        )


async def _close(interaction: discord.Interaction[Any]) -> None:
    """No button for what is over; one that stays says so when it is pressed."""
    with suppress(*FAILURES):
        await interaction.edit_original_response(view=None)


def _together(cast: Sequence[Persona]) -> str:
    *others, last = (f"**{discord.utils.escape_markdown(one.display_name)}**" for one in cast)
    return f"{', '.join(others)} and {last}"


class _Stop:
    def __init__(self, scenes: Scenes) -> None:
        self._scenes = scenes

    async def pressed(self, interaction: discord.Interaction[Any], match: re.Match[str]) -> None:
        scene = self._scenes.find(match["id"])
        if scene is None:
            await interaction.response.edit_message(view=None)
            await tell(interaction, ENDED)
        elif str(interaction.user.id) == match["starter"] or has(interaction, "manage_messages"):
            scene.stop(STOPPED_BY.format(interaction.user.display_name))
            await interaction.response.edit_message(view=None)
        else:
            starter = f"<@{match['starter']}>"
            await tell(
                interaction, f"Only {starter} and people who may manage messages can stop it."
            )
