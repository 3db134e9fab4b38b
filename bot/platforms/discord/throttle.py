"""Discord's limit for a whole bot, 50 requests a second, kept before Discord has to enforce it.

discord.py keeps the limits of single routes; this one it only learns from being refused, when all
requests under way are refused at once. With many answers at a time each then grows by fewer edits:
one is in flight for each of them, and the next carries the newest text.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from types import SimpleNamespace

import aiohttp

AT_ONCE = 5
"""Beside the setting's 40 a second these are a few less than 50: requests do not travel equally
fast."""
UNCOUNTED = ("/interactions/", "/webhooks/", "/gateway/")
"""Paths that Discord does not count: they carry tokens of their own, or are no REST."""


class Throttle:
    """Lets so many requests begin in any second, first come, first served."""

    def __init__(self, per_second: float) -> None:
        """0 is no limit."""
        self._every_s = 1 / per_second if per_second else 0.0
        self._next_at = 0.0
        self._door = asyncio.Lock()

    async def wait(self) -> None:
        """Returns when one more request may begin."""
        async with self._door:  # one by one: after a stall they do not all begin at once
            early_s = self._next_at - AT_ONCE * self._every_s - monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)
            self._next_at = max(self._next_at, monotonic()) + self._every_s

    def trace(self) -> aiohttp.TraceConfig:
        """What lets it stand before each request of discord.py's session."""

        async def before(
            _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestStartParams
        ) -> None:
            if not any(part in request.url.path for part in UNCOUNTED):
                await self.wait()

        config = aiohttp.TraceConfig()
        config.on_request_start.append(before)
        return config
