"""What a process has in hand: waited for at its end, and cut off where it is too slow.

Knows tasks, and nothing of what they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import Stopped, StoppingNow, UnderstudyError

DRAIN_SECONDS = 20
FAREWELL_SECONDS = 3
"""Of the drain, so long is left for those who are cut off to say so."""


class InHand:
    """The tasks of one kind that are not done yet."""

    def __init__(self) -> None:
        self._hurry: dict[asyncio.Task[None], Callable[[], object]] = {}
        self.stopping = False

    def __len__(self) -> int:
        return len(self._hurry)

    @contextmanager
    def task(self, hurry: Callable[[], object] = lambda: None) -> Iterator[None]:
        """The current one, for as long as the block runs; `hurry` is called when the end comes."""
        task = asyncio.current_task()
        assert task is not None
        self._hurry[task] = hurry
        try:
            yield
        finally:
            del self._hurry[task]

    def why_cut_off(self) -> UnderstudyError:
        """What somebody is told whose answer was cancelled."""
        return StoppingNow() if self.stopping else Stopped()

    async def drain(self, within_s: float = DRAIN_SECONDS) -> None:
        """Let all come to their end, and cut off who is too slow; for nothing new is begun.

        May be called more than once. Returns when nothing is in hand.
        """
        self.stopping = True
        if not self._hurry:
            return
        for hurry in self._hurry.values():
            hurry()
        _, late = await asyncio.wait(self._hurry, timeout=max(within_s - FAREWELL_SECONDS, 0))
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=FAREWELL_SECONDS)
