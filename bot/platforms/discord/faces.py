"""A persona's own name and picture on Discord, by webhooks: one a channel, made when wanted.

Knows webhooks and where they can be; `faced` speaks through them.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from time import monotonic

import aiohttp
import discord

from bot.cards import Persona
from bot.floor import Lines
from bot.keeping import keep
from bot.places import Places

from .jumping import visible
from .listening import places_around
from .welcoming import may_write

log = logging.getLogger(__name__)

WEBHOOK_NAME = "Understudy"
WHY = "Personas speak with their own name and picture"
NAME_MAX_CHARS = 80
NOBODY = "Someone"
AVATAR_MAX_CHARS = 2048
BARRED_NAMES = re.compile(r"(d)(iscord)|(c)(lyde)", re.IGNORECASE)
"""Discord refuses webhooks with these in their names; a hair space makes other words of them."""
LOOK_S = 5.0
"""Nobody waits longer for a face; making webhooks has long rate limits."""
LOOK_AGAIN_S = 600.0
"""So long a channel whose webhooks are used up, or that Discord refuses one, is left alone."""
KEPT_MAX = 10_000
"""So many channels are kept at hand; the one looked at longest ago goes first."""

Home = discord.TextChannel | discord.ForumChannel | discord.VoiceChannel | discord.StageChannel
"""Where webhooks are; a thread uses those of its channel."""


@dataclass(frozen=True, slots=True)
class Face:
    """How a persona is shown; `avatar` is a URL that Discord can fetch."""

    name: str
    avatar: str | None = None

    @classmethod
    def of(cls, persona: Persona) -> Face:
        """A face that Discord takes: barred words are broken up, other pictures left out."""
        names = (visible(one).split() for one in (persona.display_name, persona.name, NOBODY))
        name = BARRED_NAMES.sub(_broken_up, " ".join(next(filter(None, names))))
        avatar = persona.avatar or ""
        fit = avatar.startswith(("http://", "https://")) and len(avatar) <= AVATAR_MAX_CHARS
        return cls(name[:NAME_MAX_CHARS].strip(), avatar if fit else None)


def _broken_up(word: re.Match[str]) -> str:
    return "\u200a".join(part for part in word.groups() if part)


@dataclass(frozen=True, slots=True)
class _Kept:
    webhook: discord.Webhook | None
    stale_at: float = inf


class Faces:
    """The webhook of each channel: found or made once, and again after it was deleted."""

    def __init__(self, places: Places, clock: Callable[[], float] = monotonic) -> None:
        self._places = places
        self._clock = clock
        self._kept: dict[int, _Kept] = {}
        self._lines = Lines()
        self._ahead: set[asyncio.Task[object]] = set()

    async def webhook(self, channel: discord.abc.MessageableChannel) -> discord.Webhook | None:
        """The webhook to speak through; None where there can be none, or where nobody wants it.

        While nothing changes this asks nobody: neither Discord nor Redis.
        """
        if (home := _home(channel)) is None:
            return None
        here = await self._places.glance(*places_around(channel, home.guild))
        return None if here.faces is False else await self.own(channel)

    async def own(self, channel: discord.abc.MessageableChannel) -> discord.Webhook | None:
        """The same, whether faces are wanted or not."""
        home = _home(channel)
        if home is None or not _allowed(channel, home):
            return None
        with self._lines.of(str(home.id)) as line:
            async with line.door:
                kept = self._kept.get(home.id)
                if kept is None or self._clock() >= kept.stale_at:
                    kept = await self._look(home)
        return kept.webhook

    def look_ahead(self, channel: discord.abc.MessageableChannel) -> None:
        """Have the webhook ready by the time that the first words are."""
        if _home(channel) is None:
            return
        task: asyncio.Task[object] = asyncio.create_task(self.webhook(channel))
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)

    async def aclose(self) -> None:
        """Ends the looks under way."""
        for task in self._ahead:
            task.cancel()
        await asyncio.gather(*self._ahead, return_exceptions=True)

    def forget(self, channel: discord.abc.MessageableChannel | discord.abc.GuildChannel) -> None:
        """Look again at the next answer: something about the channel's webhooks has changed."""
        if (home := _home(channel)) is not None:
            self._kept.pop(home.id, None)

    async def _look(self, home: Home) -> _Kept:
        try:
            async with asyncio.timeout(LOOK_S):
                kept = _Kept(await _own(home) or await _made(home))
        except (discord.HTTPException, TimeoutError) as error:
            log.warning("#%s gets no faces for now: %r", home.name, error)
            kept = _Kept(None, self._clock() + LOOK_AGAIN_S)
        except aiohttp.ClientError as error:
            log.info("no face in #%s: %s", home.name, type(error).__name__)
            return _Kept(None)  # not kept: the next answer finds what became of it
        keep(self._kept, home.id, kept, KEPT_MAX)
        return kept


def _home(channel: discord.abc.MessageableChannel | discord.abc.GuildChannel) -> Home | None:
    home = channel.parent if isinstance(channel, discord.Thread) else channel
    return home if isinstance(home, Home) else None


def _allowed(channel: discord.abc.MessageableChannel, home: Home) -> bool:
    """A webhook needs no permission to speak; that is no way around those of the bot."""
    may = home.permissions_for(home.guild.me)
    return may_write(may, channel) and may.manage_webhooks


async def _own(home: Home) -> discord.Webhook | None:
    """One that this bot made, in whatever process; a stranger's is never used."""
    me = home.guild.me
    for webhook in await home.webhooks():
        if webhook.user is not None and webhook.user.id == me.id and webhook.token:
            return webhook
    return None


async def _made(home: Home) -> discord.Webhook:
    return await home.create_webhook(name=WEBHOOK_NAME, reason=WHY)
