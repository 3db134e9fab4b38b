"""Discord's limit for a whole bot, 50 requests a second, kept before Discord has to enforce it.

discord.py keeps the limits of single routes; this one it only learns from being refused, when all
requests under way are refused at once. With many answers at a time each then grows by fewer edits:
one is in flight for each of them, and the next carries the newest text.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from types import SimpleNamespace

import aiohttp

REQUESTS, PER_S = 45, 1.0
"""A few less than allowed: requests do not travel equally fast."""
UNCOUNTED = ("/interactions/", "/webhooks/", "/gateway/")
"""Paths that Discord does not count: they carry tokens of their own, or are no REST."""


class Throttle:
    """Lets so many requests begin in any second, first come, first served."""

    def __init__(self, share: float = 1.0) -> None:
        """`share` is this process's part, where several are one bot."""
        self._most = max(1, int(REQUESTS * share))
        self._begun_at: deque[float] = deque(maxlen=self._most)
        self._door = asyncio.Lock()

    async def wait(self) -> None:
        """Returns when one more request may begin."""
        async with self._door:
            if len(self._begun_at) == self._most:
                await asyncio.sleep(self._begun_at[0] + PER_S - monotonic())
            self._begun_at.append(monotonic())

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
