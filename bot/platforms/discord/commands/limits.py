"""/limits: what is left for the person who asks, here, and when it refills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands

from bot.limits import Limits, spoken_time
from bot.platforms.discord.listening import author_of, roles_of, server_of
from bot.quotas import Rest, Rests

from .saying import Said, say

FREE = "There are no limits for you here."


def limits_command(limits: Limits) -> app_commands.Command[Any, Any, None]:
    @app_commands.command(name="limits", description="What is left for you, when it refills")
    async def show(interaction: discord.Interaction[Any]) -> None:
        await say(interaction, _left(limits, interaction))

    return show


async def _left(limits: Limits, interaction: discord.Interaction[Any]) -> Said:
    guild_id = interaction.guild_id
    left = await limits.left(
        author_of(interaction.user.id),
        roles_of(interaction.user),
        None if guild_id is None else server_of(guild_id),
    )
    lines = [*_lines("Your", left.person), *_lines("This server's", left.server)]
    return Said("\n".join(lines) or FREE)


def _lines(whose: str, rests: Rests) -> Iterator[str]:
    if rests.messages is not None:
        yield f"{whose} messages: {_line(rests.messages, 'a minute')}"
    if rests.tokens is not None:
        yield f"{whose} tokens: {_line(rests.tokens, 'a day')}"


def _line(rest: Rest, per: str) -> str:
    of = f"{rest.left:,} of {rest.of:,} {per} left"
    if not rest.full_s:
        return f"{of}."
    first = "" if rest.left else f" the next in {spoken_time(rest.next_s)},"
    return f"{of};{first} all in {spoken_time(rest.full_s)}."
