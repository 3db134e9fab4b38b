"""/admin persona import: a character card becomes a persona that needs no training."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import discord
from discord import app_commands

from bot.budget import BYTES_PER_TOKEN
from bot.character_cards import (
    FILE_MAX_BYTES,
    TOO_LARGE,
    CharacterCard,
    checked_name,
    read_card,
)
from bot.errors import BadCharacterCard, UnderstudyError
from bot.platforms.discord.errors import FAILURES
from bot.platforms.discord.listening import author_of
from bot.platforms.discord.welcoming import is_admins
from bot.wiring import App

from .saying import Said, say

log = logging.getLogger(__name__)

FETCH_WITHIN_S = 30.0
LONG_SHARE = 0.4
"""Of the model's context: a prompt that takes more leaves little room for what people say."""
NOT_FETCHED = "I could not fetch that file from Discord. Attach it again."
NO_NAME = "I can't make a name of “{}”. Choose one with `name`: a-z, 0-9 and “-”."


class AdminPersonaCommands(
    app_commands.Group, name="persona", description="The personas themselves", guild_only=True
):
    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """The outer group's check is not asked for a group within it."""
        return is_admins(interaction)

    @app_commands.command(name="import", description="Make a persona of a character card")
    @app_commands.describe(
        file="A character card: PNG or JSON, of version 1, 2 or 3",
        name="What the persona is to be called in commands; made of the card's own if left out",
        replace="Let this card take the place of the one there is",
    )
    async def import_card(
        self,
        interaction: discord.Interaction[Any],
        file: discord.Attachment,
        name: str | None = None,
        replace: bool = False,
    ) -> None:
        log.info("%s imports a character card", interaction.user.id)
        await say(interaction, self._import(author_of(interaction.user.id), file, name, replace))

    async def _import(
        self, importer: str, file: discord.Attachment, name: str | None, replace: bool
    ) -> Said:
        self._app.access.check_operates(importer)
        card = await asyncio.to_thread(read_card, await _fetched(file))
        name = name or card.name
        if name is None:
            return Said(NO_NAME.format(_plain(card.display_name)))
        there = await self._app.admin.versions(checked_name(name))
        if there is not None and not replace:
            return Said(
                f"There is a persona `{name}` already. Choose another name with `name`, or let"
                " this card take its place with `replace`."
            )
        trained = await self._trained(name) if there else {}
        await self._app.admin.put(name, {**trained, **card.as_persona()})
        self._app.personas.look_again()
        log.info("the character card is persona %s now", name)
        lines = [_done(name, card, replaced=there is not None), *await self._warnings(card)]
        if there:
            lines.append(
                f"It has {len(there)} trained {'version' if len(there) == 1 else 'versions'}:"
                " while one of them speaks, its own prompt counts and not this card's."
            )
        return Said("\n".join(lines))

    async def _trained(self, name: str) -> dict[str, Any]:
        """What goes with its versions and not with a card: it stays."""
        persona = await self._app.personas.get(name)
        kept = persona.model_dump(mode="json", include={"starters", "prompt_format"})
        sampling = {**persona.sampling.given(), "max_tokens": persona.sampling.max_tokens}
        return {**kept, "sampling": sampling}

    async def _warnings(self, card: CharacterCard) -> list[str]:
        warnings = []
        if card.left_out:
            warnings.append(f"Not taken: {_plain('; '.join(card.left_out))}.")
        tokens = len(card.system_prompt.encode()) // BYTES_PER_TOKEN
        context = await self._context()
        if context and tokens > context * LONG_SHARE:
            warnings.append(
                f"The card is long: about {tokens:,} of the {context:,} tokens that the model can"
                " keep in mind. Little room is left for the conversation"
                + (", and its end will be cut off." if tokens > context // 2 else ".")
            )
        return warnings

    async def _context(self) -> int | None:
        try:
            return (await self._app.admin.status()).base.max_context
        except UnderstudyError as error:
            log.debug("the model's context is not known: %s", error)
            return None


async def _fetched(file: discord.Attachment) -> bytes:
    """Raises BadCharacterCard."""
    if file.size > FILE_MAX_BYTES:
        raise BadCharacterCard(spoken=TOO_LARGE)
    try:
        async with asyncio.timeout(FETCH_WITHIN_S):
            return await file.read()
    except FAILURES as error:
        log.warning("a character card could not be fetched: %s", error)
        raise BadCharacterCard(spoken=NOT_FETCHED) from error


def _done(name: str, card: CharacterCard, *, replaced: bool) -> str:
    what = "has a new card" if replaced else "can speak now"
    return f"**{_plain(card.display_name)}** (`{name}`) {what}: /persona switch lets them."


def _plain(text: str) -> str:
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))
