"""/admin block, unblock, allow, disallow, access: whom I answer in this server, and where."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands

from bot.places import Places, PlaceSettings
from bot.platforms.discord.listening import CHANNEL, author_of, mention, places_around, role_id

from .saying import Said, say
from .scopes import server_here

log = logging.getLogger(__name__)

SHOWN_MAX = 20
"""Of a list; a message has room for three of this length."""
NOBODY_NAMED = "Say who: a person, a role or a channel."
EVERYBODY = (
    "@everyone is everybody. To be silent in a channel use /admin channels; to answer only some"
    " people, /admin allow."
)
WHO = "A person or a role"
WHERE = "A channel, with its threads"

Who = discord.Role | discord.Member | discord.User
Where = discord.TextChannel | discord.VoiceChannel | discord.ForumChannel


def access_commands(places: Places) -> Iterable[app_commands.Command[Any, ..., None]]:
    """The commands; their group checks who may use them."""
    yield _changing(places, "block", "Answer somebody no more, or nobody in a channel")
    yield _changing(places, "unblock", "Answer somebody again, or in a channel")
    yield _changing(places, "allow", "Answer only those on a list, or only in its channels")
    yield _changing(places, "disallow", "Take somebody or a channel off that list")
    yield _showing(places)


def _changing(places: Places, verb: str, description: str) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name=verb, description=description)
    @app_commands.describe(who=WHO, channel=WHERE)
    async def change(
        interaction: discord.Interaction[Any],
        who: Who | None = None,
        channel: Where | None = None,
    ) -> None:
        await say(interaction, _change(places, interaction, verb, who, channel))

    return change


def _showing(places: Places) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="access", description="Show whom I answer in this server")
    async def access(interaction: discord.Interaction[Any]) -> None:
        await say(interaction, _show(places, server_here(interaction)))

    return access


async def _change(
    places: Places,
    interaction: discord.Interaction[Any],
    verb: str,
    who: Who | None,
    channel: Where | None,
) -> Said:
    if isinstance(who, discord.Role) and who.is_default():
        return Said(EVERYBODY)
    subjects = list(_subjects(interaction, who, channel))
    if not subjects:
        return Said(NOBODY_NAMED)
    log.info("%s: /admin %s %s", interaction.user.id, verb, ", ".join(subjects))
    said = []
    for subject in subjects:
        here = await places.enlist(
            server_here(interaction),
            _list(verb, subject),
            subject,
            listed=verb in ("block", "allow"),
        )
        said.append(_outcome(verb, subject, here))
    return Said("\n".join(said))


def _subjects(
    interaction: discord.Interaction[Any], who: Who | None, channel: Where | None
) -> Iterable[str]:
    if who is not None:
        yield role_id(who.id) if isinstance(who, discord.Role) else author_of(who.id)
    if channel is not None:
        yield places_around(channel, interaction.guild)[0]


def _list(verb: str, subject: str) -> str:
    if verb in ("block", "unblock"):
        return "blocked"
    return "allowed_channels" if subject.startswith(CHANNEL) else "allowed"


def _outcome(verb: str, subject: str, here: PlaceSettings) -> str:
    channel, called = subject.startswith(CHANNEL), mention(subject)
    match verb:
        case "block":
            return f"I {'answer nobody in' if channel else 'do not answer'} {called} any more."
        case "unblock":
            said = f"{called} is not blocked any more."
        case "allow" if channel:
            said = f"I answer in {called}, and only in channels that were allowed."
        case "allow":
            said = f"I answer {called}, and only those who were allowed."
        case _:
            left = getattr(here, _list(verb, subject))
            said = f"{called} is not on the list any more." + ("" if left else _open(channel))
    if verb == "allow" and subject in (here.blocked or ()):
        said += f" But {called} is blocked, and that wins: see /admin unblock."
    return said


def _open(channel: bool) -> str:
    return f" It is empty now: I answer {'in every channel' if channel else 'everybody'} again."


async def _show(places: Places, server: str) -> Said:
    (here,) = await places.read(server)
    if not (here.blocked or here.allowed or here.allowed_channels):
        return Said("I answer everybody in this server, in every channel that is not off.")
    lists = (
        ("Never answered", here.blocked),
        ("Only these are answered", here.allowed),
        ("Only in these channels", here.allowed_channels),
    )
    return Said("\n".join(f"{name}: {_shown(entries)}." for name, entries in lists if entries))


def _shown(entries: tuple[str, ...]) -> str:
    more = len(entries) - SHOWN_MAX
    named = ", ".join(map(mention, entries[:SHOWN_MAX]))
    return f"{named} and {more} more" if more > 0 else named
