"""Who speaks next inside this process: one at a time in a conversation, in order of arrival.

It spares Redis the questions of those who wait here; between processes memory's floor decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Line:
    """The messages of one conversation that this process has in hand."""

    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is admitted, so that Redis sees them in order."""
    floor: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is answered."""
    people: int = 0


class Lines:
    """One line a conversation, for as long as somebody stands in it."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    @contextmanager
    def of(self, conversation: str) -> Iterator[Line]:
        line = self._lines.setdefault(conversation, Line())
        line.people += 1
        try:
            yield line
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[conversation]
