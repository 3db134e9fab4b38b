"""/admin limits: what a server's administrators allow its people, by role and by person."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.allowances import EVERYBODY, WHOLE_SERVER, Allowance, Overrides
from bot.limits import Limits
from bot.platforms.discord.listening import author_of, mention, role_id

from .saying import Said, say
from .scopes import server_here

log = logging.getLogger(__name__)

MOST_MESSAGES, MOST_TOKENS = 10_000, 1_000_000_000
PER = {"messages_per_minute": "messages a minute", "tokens_per_day": "tokens a day"}
NOTHING_TO_RESET = "Use `reset` without numbers: it takes back those that were set here."
Who = discord.Role | discord.Member | discord.User


def admin_limits(limits: Limits) -> app_commands.Command[Any, Any, None]:
    """A subcommand of /admin, which checks who may use it."""

    @app_commands.command(name="limits", description="Show or set how much people may ask here")
    @app_commands.describe(
        who="A role or a person; @everyone is each person; nobody is the server as a whole",
        messages_per_minute="0 is no limit",
        tokens_per_day="0 is no limit; prompts count as well as answers",
        reset="Back to what the owner of the bot set",
    )
    async def change(
        interaction: discord.Interaction[Any],
        who: Who | None = None,
        messages_per_minute: Range[int, 0, MOST_MESSAGES] | None = None,
        tokens_per_day: Range[int, 0, MOST_TOKENS] | None = None,
        reset: bool = False,
    ) -> None:
        server, given = server_here(interaction), (messages_per_minute, tokens_per_day)
        numbers = {name: n for name, n in zip(PER, given, strict=True) if n is not None}
        if numbers or reset:
            log.info("%s sets the limits of %s: %s", interaction.user.id, _subject(who), numbers)
        await say(interaction, _changed(limits, server, _subject(who), numbers, reset))

    return change


async def _changed(
    limits: Limits, server: str, subject: str, numbers: dict[str, int], reset: bool
) -> Said:
    if reset and numbers:
        return Said(NOTHING_TO_RESET)
    if reset:
        overrides = await limits.reset(server, subject)
    elif numbers:
        overrides = await limits.change(server, subject, **numbers)
    else:
        overrides = await limits.overrides(server)
    return Said("\n".join(_shown(limits, overrides)))


def _shown(limits: Limits, overrides: Overrides) -> list[str]:
    """Everybody and the whole server always, others where something was set for them."""
    each = overrides.person(limits.persons, "", ())
    lines = [
        f"Each person: {_allowance(each)}.",
        f"This server as a whole: {_allowance(overrides.server(limits.servers))}.",
    ]
    for subject, numbers in overrides.subjects().items():
        if subject not in (EVERYBODY, WHOLE_SERVER):
            lines.append(f"{mention(subject)}: {_numbers(numbers)}.")
    return lines


def _allowance(allowance: Allowance) -> str:
    return _numbers({name: getattr(allowance, name) for name in PER})


def _numbers(numbers: dict[str, int]) -> str:
    return ", ".join(
        f"{n:,} {PER[name]}" if n else f"any {PER[name]}" for name, n in numbers.items()
    )


def _subject(who: Who | None) -> str:
    if who is None:
        return WHOLE_SERVER
    if isinstance(who, discord.Role):
        return EVERYBODY if who.is_default() else role_id(who.id)
    return author_of(who.id)
