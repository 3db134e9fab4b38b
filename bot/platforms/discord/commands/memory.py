"""/memory: what the bot keeps of the person who asks, wherever they wrote to it."""

from __future__ import annotations

import io
import json
from typing import Any

import discord
from discord import app_commands

from bot.people import Forgotten, Overview, People, Remembered
from bot.platforms.discord.listening import author_of, conversation_of, said_at_ms
from bot.platforms.discord.overheard import Overheard
from bot.scenes import Scenes

from .saying import Said, say

NOTHING = "I remember nothing of you."
CLOSED = (
    "I may not write to you directly. Allow direct messages in this server's privacy settings,"
    " then ask me again."
)
TOO_LARGE = "It is more than Discord lets me send. Ask whoever runs this bot for it."
PLACES_SHOWN = 20


class MemoryCommands(app_commands.Group, name="memory", description="What I remember of you"):
    def __init__(self, people: People, overheard: Overheard, scenes: Scenes) -> None:
        super().__init__()
        self._people = people
        self._overheard = overheard
        self._scenes = scenes

    @app_commands.command(name="show", description="Show how much of you I remember, and where")
    async def show(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, self._show(interaction.user))

    @app_commands.command(name="forget", description="Let me forget all that you ever told me")
    async def forget(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, self._forget(interaction.user, interaction.id))

    @app_commands.command(name="export", description="Get what I remember of you in a file")
    async def export(self, interaction: discord.Interaction[Any]) -> None:
        await say(interaction, self._export(interaction.user))

    async def _show(self, user: discord.User | discord.Member) -> Said:
        overview = await self._people.show(author_of(user.id))
        if (amount := _amount(overview)) is None:
            return Said(NOTHING)
        direct = conversation_of((await user.create_dm()).id)  # nothing is sent there
        lines = [_line(one, direct) for one in overview.conversations[:PLACES_SHOWN]]
        return Said("\n".join([f"I remember {amount}.", *lines, *_unshown(overview)]))

    async def _forget(self, user: discord.User | discord.Member, asked: int) -> Said:
        gone = await self._people.forget(author_of(user.id), said_at_ms(asked))
        self._overheard.forget(author_of(user.id))
        self._scenes.forget(author_of(user.id))
        if (amount := _amount(gone)) is None:
            return Said(NOTHING)
        return Said(f"I have forgotten {amount}. What I said myself stays.")

    async def _export(self, user: discord.User | discord.Member) -> Said:
        kept = await self._people.export(author_of(user.id))
        if not any(value for name, value in kept.items() if name != "author_id"):
            return Said(NOTHING)
        file = io.BytesIO(json.dumps(kept, ensure_ascii=False, indent=2).encode())
        try:
            await user.send("What I remember of you:", file=discord.File(file, "memory.json"))
        except discord.Forbidden:
            return Said(CLOSED)
        except discord.HTTPException as error:
            if error.status != 413:
                raise
            return Said(TOO_LARGE)
        return Said("I have sent you what I remember of you in a direct message.")


def _line(one: Remembered, direct: str) -> str:
    """Nobody but the asker reads it, so places may be named that others here can't see."""
    channel = one.conversation.removeprefix("discord:")
    where = "our direct messages" if one.conversation == direct else f"<#{channel}>"
    return f"- {where}: {one.messages}{_when(one)}"


def _when(one: Remembered) -> str:
    if not one.oldest or not one.newest:
        return ""
    first = f"{_day(one.oldest)} to " if one.oldest != one.newest else ""
    return f", {first}{_day(one.newest)}"


def _day(seconds: int) -> str:
    """As each person's own Discord writes it."""
    return f"<t:{seconds}:d>"


def _unshown(overview: Overview) -> list[str]:
    more = len(overview.conversations) - PLACES_SHOWN
    return [f"… and in {more} more places"] if more > 0 else []


def _amount(of: Overview | Forgotten) -> str | None:
    """In words, and of what there is only; None where there is nothing."""
    parts = [
        f"{number} {one if number == 1 else many}"
        for number, one, many in (
            (of.messages, "message of yours", "messages of yours"),
            (of.feedback, "opinion on answers", "opinions on answers"),
            (of.quoted, "message with others' opinions", "messages with others' opinions"),
            (of.votes, "vote", "votes"),
        )
        if number
    ]
    *others, last = parts or [""]
    return " and ".join(filter(None, (", ".join(others), last))) or None
