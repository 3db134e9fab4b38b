"""What can go wrong on Discord only, each with its sentence (the tree is in `bot.errors`)."""

from __future__ import annotations

import aiohttp
import discord

from bot.errors import CannotStart, UnderstudyError

FAILURES = (discord.HTTPException, aiohttp.ClientError, TimeoutError)
"""What discord.py raises where Discord refuses something, or can't be reached."""


class WrongToken(CannotStart):
    spoken = (
        "Discord does not accept DISCORD_TOKEN. Copy the bot's token from the Discord developer"
        " portal (your application → Bot → Reset Token) into .env, without quotes or spaces."
    )


class MissingIntent(CannotStart):
    spoken = (
        "Discord does not let this bot read messages: turn on “Message Content Intent” in the"
        " Discord developer portal (your application → Bot → Privileged Gateway Intents) and"
        " start again."
    )


class DiscordUnreachable(CannotStart):
    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            spoken=f"Discord can't be reached at {where} ({reason})."
            " Check the network (or DISCORD_API_URL) and start again."
        )


class DiscordRefuses(CannotStart):
    def __init__(self, reason: str) -> None:
        super().__init__(spoken=f"Discord refuses the bot: {reason}. Try again in a while.")


class MayNotChoose(UnderstudyError):
    def __init__(self, where: str, permission: str) -> None:
        super().__init__(
            spoken=f"To choose for this {where} you need the permission “{permission}”."
            " For this conversation everybody may."
        )


class NoSuchPlace(UnderstudyError):
    spoken = "These are direct messages: choose for this conversation, there is nothing around it."


class NoThreadHere(UnderstudyError):
    """A thread can't be opened; why is said by whoever raises it."""

    def __init__(self, spoken: str) -> None:
        super().__init__(spoken=spoken)


class NotYours(UnderstudyError):
    spoken = "Only the person I answered can do that, and people who may manage messages here."


class NoConsent(UnderstudyError):
    spoken = "Opinions on answers are not kept here, so I took no note of yours."


class Undeliverable(UnderstudyError):
    """An answer can't be shown where it was asked for; nothing more will be tried there."""


class MayNotWrite(Undeliverable):
    def __init__(self, channel: str) -> None:
        super().__init__(
            spoken=f"I would answer you in {channel}, but I may not write there. An administrator"
            " can allow me to view it and to send messages."
        )


class PlaceGone(Undeliverable):
    """The channel, or the answer itself, was deleted: somebody did not want it."""


class FaceGone(Undeliverable):
    """The webhook of an answer was deleted; the answer itself need not end with it."""
