"""How many requests may be in the engine at once, and how many may wait for it, in order.

vLLM's own queue grows without end. Here at most as many requests are let in as the engine runs
side by side, a bounded number waits, and the next one is told when to come back. Knows nothing of
HTTP; runs on one event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from time import monotonic

from .errors import TooBusy

LONGEST_RETRY_S = 60
SMOOTHING = 0.1
"""Weight of the latest request in the running mean of how long one stays."""


class Place:
    """A request's place in the engine; `leave` gives it back and may be called more than once."""

    def __init__(self, gate: Gate, size: int) -> None:
        self._gate, self._size, self._since = gate, size, monotonic()

    def leave(self) -> None:
        if self._size:
            self._gate.vacate(self._size, monotonic() - self._since)
            self._size = 0


class Gate:
    def __init__(self, places: int, max_waiting: int) -> None:
        self.places, self.max_waiting = places, max_waiting
        self._taken = 0
        self._line: deque[tuple[int, asyncio.Future[Place]]] = deque()
        self._mean_s = 1.0

    @property
    def running(self) -> int:
        """Answers that are being generated; a request for several counts as several."""
        return self._taken

    @property
    def waiting(self) -> int:
        return len(self._line)

    def take(self, size: int) -> Place | None:
        """A place at once, if there is one and nobody waits; `size` is at most `places`."""
        if self._line or self._taken + size > self.places:
            return None
        self._taken += size
        return Place(self, size)

    async def wait(self, size: int) -> Place:
        """A place as soon as it is this caller's turn. Raises TooBusy where too many wait."""
        if len(self._line) >= self.max_waiting:
            raise TooBusy(self._retry_after_s())
        turn: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._line.append((size, turn))
        self._let_in()  # the last place may have come free since `take` found none
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                turn.result().leave()
            self._let_in()
            raise

    def vacate(self, size: int, stayed_s: float) -> None:
        self._taken -= size
        self._mean_s += SMOOTHING * (stayed_s - self._mean_s)
        self._let_in()

    def _let_in(self) -> None:
        self._line = deque(entry for entry in self._line if not entry[1].cancelled())
        while self._line and self._taken + self._line[0][0] <= self.places:
            size, turn = self._line.popleft()
            self._taken += size
            turn.set_result(Place(self, size))

    def _retry_after_s(self) -> int:
        """When the line ahead should have been served, by how long requests stay at present."""
        seconds = self._mean_s * (len(self._line) + 1) / self.places
        return max(1, min(LONGEST_RETRY_S, math.ceil(seconds)))
