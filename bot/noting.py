"""Lines that are no answers, kept in a conversation's memory: people go on talking about them."""

from __future__ import annotations

import logging

from .errors import MemoryGone
from .memory import Claim, Memory
from .messages import Incoming
from .people import People
from .store import Store
from .turns import PERSONA

log = logging.getLogger(__name__)


class Noting:
    def __init__(self, store: Store, memory: Memory, people: People) -> None:
        self._store = store
        self._memory = memory
        self._people = people

    async def note(self, said: Incoming) -> None:
        """Remember a line of a person or (by its author id) of a persona; while memory is away it
        is lost, with a line in the log.

        One trip: whoever is cut off in the middle leaves no claim behind.
        """
        claim = Claim(said)
        traces = () if said.author_id.startswith(PERSONA) else self._people.traces(said)
        noting = (self._memory.claim(claim), self._memory.finishing(claim))
        try:
            await self._store.ask_all(*traces, *noting)
        except MemoryGone:
            log.warning("a line of a scene can't be remembered")
