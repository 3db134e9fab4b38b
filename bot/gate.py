"""The gate in front of the model: so many answers of this process at once, the others in a line.

Knows neither who waits nor for what.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

SHOW_EVERY_SECONDS = 1.0


class Gate:
    """First come, first served; whoever leaves hands the place to the first in line."""

    def __init__(self, places: int, show_every_s: float = SHOW_EVERY_SECONDS) -> None:
        """0 places is no bound."""
        self._bounded = places > 0
        self._free = places
        self._show_every_s = show_every_s
        self._line: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self, show: Callable[[int], Awaitable[None]]) -> AsyncIterator[None]:
        """A place for as long as the block runs.

        Who has waited a moment is shown how many are before them, and again when that changes.
        """
        if not self._bounded:
            yield
            return
        await self._enter(show)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, show: Callable[[int], Awaitable[None]]) -> None:
        if self._free:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(mine)
        try:
            await self._wait(mine, show)
        except BaseException:
            if mine.done():  # the place was handed over just then
                self._leave()
            else:
                self._line.remove(mine)
            raise

    async def _wait(
        self, mine: asyncio.Future[None], show: Callable[[int], Awaitable[None]]
    ) -> None:
        shown = None
        while not (await asyncio.wait((mine,), timeout=self._show_every_s))[0]:
            ahead = self._line.index(mine)
            if ahead != shown:
                shown = ahead
                await show(ahead)

    def _leave(self) -> None:
        if self._line:
            self._line.popleft().set_result(None)
        else:
            self._free += 1
