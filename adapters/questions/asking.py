"""One run of questions: several at once, each answer kept as soon as it is there.

A server that fails again and again ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from adapters.errors import AskingRefused

from .answers import Answers
from .chunks import Chunk
from .model import KEPT, Model, Unanswered

FAILURES_IN_A_ROW = 10


@dataclass
class Round:
    model: Model
    kept: Answers
    check: Callable[[], None]
    """Raises where nothing more may be asked."""
    done: Callable[[], None]
    """Told of every chunk that is dealt with."""
    answered: int = 0
    """Chunks that the model was asked about, and not in vain."""
    unanswered: int = 0
    """Those that its server failed to answer."""
    why: str = ""
    """What it said of the last one."""
    _in_a_row: int = 0
    _under_way: set[bytes] = field(default_factory=set)

    async def ask(self, chunks: Iterator[Chunk], at_once: int) -> None:
        """Raises AdaptersError; what was answered before is kept."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._work(chunks))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _work(self, chunks: Iterator[Chunk]) -> None:
        for chunk in chunks:
            key = self.kept.key(chunk.asked)
            if key not in self._under_way and not self.kept.find(key):
                self.check()
                self._under_way.add(key)
                await self._answer(chunk, key)
                self._under_way.remove(key)
            self.done()

    async def _answer(self, chunk: Chunk, key: bytes) -> None:
        try:
            question = await self.model.question(chunk.asked, chunk.text)
        except Unanswered as error:
            self._failed(error)
        else:
            self.answered += 1
            self._in_a_row = 0
            self.kept.keep(key, question)

    def _failed(self, error: Unanswered) -> None:
        self.unanswered += 1
        self._in_a_row += 1
        self.why = str(error)
        # It may well refuse one long chunk after the other, if it takes any at all.
        hopeless = error.servers_fault or not self.answered
        if hopeless and self._in_a_row >= FAILURES_IN_A_ROW:
            raise AskingRefused(
                f"the model's server failed {self._in_a_row} times in a row: {error}; {KEPT}"
            )
