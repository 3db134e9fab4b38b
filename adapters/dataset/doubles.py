"""The same thing twice: what exports that overlap both tell, and rows that were there before.

Remembers on disk, by digests of 64 bits: two things among ten million are taken for one with a
probability of 1 in 400,000. Knows nothing of sessions.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b

Said = tuple[int, int, str, str]
"""(second, number of the speaker, text, the export's id of it): what is stored of a message."""
MAX_SAMPLES = 5


def is_new(database: sqlite3.Connection, table: str, what: bytes) -> bool:
    """Whether it was not in that table before; it is now."""
    key = int.from_bytes(blake2b(what, digest_size=8).digest(), "big", signed=True)
    query = f"INSERT OR IGNORE INTO {table} VALUES (?)"  # noqa: S608  # a name of ours
    return database.execute(query, (key,)).rowcount > 0


class Doubles:
    """Messages that another part of the file has told, left out and counted."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.count = 0
        self.samples: list[tuple[int, str]] = []
        """With the number of who said it."""

    def without(self, session: int, told: Iterable[Said]) -> Iterator[Said]:
        """What one session tells, without them.

        The same words twice in a second (or minute, where no seconds are written) of one stretch
        are two messages.
        """
        again: Counter[tuple[int, str]] = Counter()
        at = None
        for said in told:
            second, speaker, text, id_ = said
            if second != at:
                again.clear()
                at = second
            again[speaker, text] += 1
            what = id_ or f"{second} {speaker} {again[speaker, text]} {text}"
            key = f"{session} {what}".encode("utf-8", "surrogatepass")
            if is_new(self._database, "said", key):
                yield said
                continue
            self.count += 1
            if len(self.samples) < MAX_SAMPLES:
                self.samples.append((speaker, text))

    def forget(self) -> None:
        self._database.execute("DELETE FROM said")
        self.count = 0
        self.samples.clear()
