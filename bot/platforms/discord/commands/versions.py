"""Offers a persona's versions while a person types one."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from discord.app_commands import Choice

from bot.admin import Admin
from bot.errors import UnderstudyError
from bot.keeping import keep
from bot.personas import Personas
from bot.server_status import Version

from .names import MAX_CHOICES, OFFER_WITHIN_S, meant

log = logging.getLogger(__name__)

FRESH_S = 10.0
KEPT_MAX = 100
"""Lists at hand; every letter typed asks for one."""


class Versions:
    """What the server published, asked for once in a while."""

    def __init__(self, personas: Personas, admin: Admin, fresh_s: float = FRESH_S) -> None:
        self._personas = personas
        self._admin = admin
        self._fresh_s = fresh_s
        self._known: dict[str, tuple[float, list[Version]]] = {}

    async def offered(self, persona: str, typed: str) -> list[Choice[int]]:
        """The newest whose number begins with what was typed; none while they are unknown."""
        try:
            published = await asyncio.wait_for(self._of(persona), OFFER_WITHIN_S)
        except (UnderstudyError, TimeoutError) as error:
            log.warning("no versions can be offered: %s", error)
            return []
        found = [one for one in reversed(published) if str(one.version).startswith(typed.strip())]
        return [Choice(name=_line(one), value=one.version) for one in found[:MAX_CHOICES]]

    async def _of(self, persona: str) -> list[Version]:
        name = await meant(self._personas, persona)
        stale_at, published = self._known.get(name, (0.0, []))
        if monotonic() < stale_at:
            return published
        published = await self._admin.versions(name) or []
        keep(self._known, name, (monotonic() + self._fresh_s, published), KEPT_MAX)
        return published


def _line(one: Version) -> str:
    notes = [one.day, "speaks now" if one.serving else None, "broken" if one.broken else None]
    return " · ".join([str(one.version), *(note for note in notes if note)])
