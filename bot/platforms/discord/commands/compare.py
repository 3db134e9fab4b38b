"""/compare: the same line to two personas, or to one at two ages, and a vote."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import discord
from discord import ButtonStyle, app_commands
from discord.app_commands import Choice, Range
from discord.ui import Button, View

from bot.access import Access
from bot.comparison import Comparisons, Pair, Result
from bot.errors import UnderstudyError
from bot.personas import Personas
from bot.platforms.discord.board import DiscordBoard
from bot.platforms.discord.listening import author_of, said_by
from bot.platforms.discord.reply import EDIT_EVERY_S
from bot.platforms.discord.telling import fitting, tell
from bot.platforms.discord.welcoming import has

from .asker import admitted, one_line
from .names import MAX_CHOICES, offered
from .pressing import Kind, button_kind, row
from .saying import Said, say

log = logging.getLogger(__name__)

PROMPT_MAX_CHARS = 1500
PROMPT_SHOWN_CHARS = 300
LABEL_MAX_CHARS = 80
PATTERN = r"understudy:compare:(?P<id>[\w-]+):(?:(?P<side>[01])|end:(?P<asker>\d+))"


def comparing(
    comparisons: Comparisons,
    personas: Personas,
    access: Access,
    edit_every_s: float = EDIT_EVERY_S,
) -> tuple[app_commands.Command[Any, ..., None], Kind]:
    """The command, and the kind of buttons under what it shows."""
    kind = button_kind(PATTERN, _Presses(comparisons).pressed, access)

    @app_commands.command(name="compare", description="Let two personas answer the same line")
    @app_commands.describe(
        prompt="What both are to answer; neither knows what was said here before",
        persona_a="Who answers first",
        persona_b="Who answers second; the same one with another version is fine",
        version_a="Which version of the first; the current one if left out",
        version_b="Which version of the second; the current one if left out",
        blind="Hide who is who until you reveal it",
    )
    async def compare(
        interaction: discord.Interaction[Any],
        prompt: Range[str, 1, PROMPT_MAX_CHARS],
        persona_a: str,
        persona_b: str,
        version_a: int | None = None,
        version_b: int | None = None,
        blind: bool = False,
    ) -> None:
        async def begin() -> Pair:
            sides = [
                await comparisons.contender(persona_a, version_a),
                await comparisons.contender(persona_b, version_b),
            ]
            return await comparisons.begin(said_by(interaction, prompt), sides, blind=blind)

        if (pair := await admitted(interaction, begin())) is None:
            return
        head = f"> {one_line(prompt, PROMPT_SHOWN_CHARS)}"
        board = DiscordBoard(interaction, head, pair.labels, edit_every_s)
        await board.open()
        view: View | None = None
        labels: Sequence[str] = pair.labels
        try:
            comparison = await comparisons.answer(pair, board)
            if comparison is not None:
                view = _ballot(kind, comparison, pair, interaction.user.id)
            else:  # no vote, so nothing to hide
                labels = [one.label for one in pair.contenders]
        except UnderstudyError as error:
            log.warning("nobody can vote on a comparison: %s", error)
        finally:
            await board.finish(view, labels)

    @compare.autocomplete("persona_a")
    @compare.autocomplete("persona_b")
    async def _personas(_: discord.Interaction[Any], typed: str) -> list[Choice[str]]:
        return await offered(personas, typed)

    @compare.autocomplete("version_a")
    async def _versions_a(interaction: discord.Interaction[Any], typed: Any) -> list[Choice[int]]:
        return await _versions(personas, interaction.namespace.persona_a, typed)

    @compare.autocomplete("version_b")
    async def _versions_b(interaction: discord.Interaction[Any], typed: Any) -> list[Choice[int]]:
        return await _versions(personas, interaction.namespace.persona_b, typed)

    return compare, kind


async def _versions(personas: Personas, name: str | None, typed: Any) -> list[Choice[int]]:
    """A persona's versions, the newest first; none while it is not chosen, or not known."""
    try:
        persona = await personas.named(name or "")
    except UnderstudyError as error:
        log.info("no versions can be offered: %s", error)
        return []
    found = [n for n in sorted(persona.versions, reverse=True) if str(n).startswith(str(typed))]
    notes = {persona.current: " (speaks now)"}
    return [Choice(name=f"{n}{notes.get(n, '')}", value=n) for n in found[:MAX_CHOICES]]


def _ballot(kind: Kind, comparison: str, pair: Pair, asker: int) -> View:
    votes = [
        Button[Any](
            style=ButtonStyle.primary,
            label=label[:LABEL_MAX_CHARS],
            custom_id=f"understudy:compare:{comparison}:{side}",
        )
        for side, label in enumerate(pair.labels)
    ]
    end = Button[Any](
        label="Reveal" if pair.blind else "Result",
        custom_id=f"understudy:compare:{comparison}:end:{asker}",
    )
    return row(kind, *votes, end)


class _Presses:
    """What becomes of a press on one of the buttons."""

    def __init__(self, comparisons: Comparisons) -> None:
        self._comparisons = comparisons

    async def pressed(self, interaction: discord.Interaction[Any], match: re.Match[str]) -> None:
        if match["side"] is not None:
            await say(interaction, self._vote(interaction, match["id"], int(match["side"])))
        elif str(interaction.user.id) == match["asker"] or has(interaction, "manage_messages"):
            await self._end(interaction, match["id"])
        else:
            await tell(interaction, f"Only <@{match['asker']}> can end this comparison.")

    async def _vote(
        self, interaction: discord.Interaction[Any], comparison: str, side: int
    ) -> Said:
        voter = author_of(interaction.user.id)
        called = await self._comparisons.vote(comparison, voter, side)
        return Said(f"Your vote is counted: {discord.utils.escape_markdown(called)}.")

    async def _end(self, interaction: discord.Interaction[Any], comparison: str) -> None:
        """Everybody reads the result, once."""
        await interaction.response.defer()  # Redis may take longer than Discord waits
        open_until_now, results = await self._comparisons.end(comparison)
        text = "\n".join(map(_line, results))
        if not open_until_now:
            await tell(interaction, text)
            return
        await interaction.edit_original_response(view=None)
        await interaction.followup.send(
            fitting(text), suppress_embeds=True, allowed_mentions=discord.AllowedMentions.none()
        )


def _line(result: Result) -> str:
    label = f"**{discord.utils.escape_markdown(result.label)}**"
    who = label if result.called == result.label else f"**{result.called}** was {label}"
    votes = "1 vote" if result.votes == 1 else f"{result.votes} votes"
    of = result.ever.won + result.ever.lost
    ever = f"; preferred in {result.ever.won} of {of} votes so far" if of else ""
    return f"{who}: {votes}{ever}."
