"""/admin feedback: a server's consent that opinions on answers are kept."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord import app_commands

from bot.feedback import CONTEXT_TURNS, OPINIONS_KEPT_DAYS
from bot.places import Places

from .saying import Said, say
from .scopes import server_here

log = logging.getLogger(__name__)

ON = (
    "People here may judge my answers with 👍 and 👎. Of each opinion I keep who gave it, their"
    f" remark, the answer and up to {CONTEXT_TURNS} messages before it, for {OPINIONS_KEPT_DAYS}"
    " days, for statistics and for training. With `/memory forget` anybody takes back what is"
    " theirs."
)
OFF = (
    "Opinions on my answers are not kept here. Those given before stay until `/memory forget` or"
    f" until they are {OPINIONS_KEPT_DAYS} days old."
)


def feedback(places: Places) -> app_commands.Command[Any, ..., None]:
    """A subcommand of /admin, which checks who may use it."""

    @app_commands.command(
        name="feedback", description="Choose whether opinions on answers are kept"
    )
    @app_commands.describe(on="Whether people may judge my answers; leave it out to see")
    async def feedback(interaction: discord.Interaction[Any], on: bool | None = None) -> None:
        if on is not None:
            log.info("%s sets feedback to %s", interaction.user.id, on)
        await say(interaction, _choose(places, server_here(interaction), on))

    return feedback


async def _choose(places: Places, server: str, on: bool | None) -> Said:
    if on is not None:
        here = await places.change(server, feedback=on)
    else:
        (here,) = await places.read(server)
    return Said(ON if here.feedback else OFF)
