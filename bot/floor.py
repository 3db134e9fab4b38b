"""Who speaks next inside this process: one at a time in a conversation, in order of arrival.

It spares Redis the questions of those who wait here; between processes memory's floor decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

BURST_MAX = 10
"""So many messages join one turn: whoever never stops typing is answered all the same."""


class Burst:
    """An answer that gives way to its author's next message, until its first words are shown."""

    def __init__(self, scope: asyncio.Timeout, messages: int) -> None:
        self._scope = scope
        self.messages = messages
        """So many of the author's messages it would answer."""
        self.gave_way = False
        self._begun = False

    def give_way(self) -> bool:
        """Whether a further message may join; this answer is on its way out then."""
        if self._begun or self.messages >= BURST_MAX:
            return False
        if not self.gave_way:
            self.gave_way = True
            self._scope.reschedule(asyncio.get_running_loop().time())
        return True

    async def begin(self) -> None:
        """From now on later messages wait; ends here where one has joined already."""
        self._begun = True
        if self.gave_way:
            await asyncio.sleep(0)  # what `give_way` has asked for comes now


@dataclass(slots=True)
class Line:
    """The messages of one conversation that this process has in hand."""

    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is admitted, so that Redis sees them in order."""
    floor: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is answered."""
    people: int = 0
    bursts: dict[str, Burst] = field(default_factory=dict)
    """What each author may still add to."""

    @asynccontextmanager
    async def burst(self, author_id: str) -> AsyncIterator[Burst]:
        """Take over from the author's message before, if nothing of its answer was shown, and
        give way to the next one; the block ends early then, with `gave_way` set."""
        before = self.bursts.get(author_id)
        joins = before is not None and before.give_way()
        burst = None
        try:
            async with asyncio.timeout(None) as scope:
                burst = Burst(scope, before.messages + 1 if before and joins else 1)
                self.bursts[author_id] = burst
                yield burst
        except TimeoutError:
            if burst is None or not burst.gave_way:
                raise
        finally:
            if self.bursts.get(author_id) is burst:
                del self.bursts[author_id]


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
