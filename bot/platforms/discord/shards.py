"""Which shards of the bot this process runs, how they start, and which of them are there.

A shard is one connection with its part of the servers; the first one has the direct messages.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from bot.errors import WrongSettings
from bot.health import STARTING

IDENTIFY_EVERY_S = 5.0
"""Discord takes one new session in this time, in each of `max_concurrency` buckets."""
SHARE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?/(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Share:
    """This process's part of all shards."""

    ids: tuple[int, ...]
    total: int

    @property
    def part(self) -> float:
        return len(self.ids) / self.total


def share_of(setting: str | None) -> Share | None:
    """ "0-3/16" is the first four of sixteen, "4/16" the fifth alone; None where Discord is to
    recommend a number, and this process runs all of them. Raises WrongSettings."""
    if setting is None:
        return None
    found = SHARE.fullmatch(setting.strip())
    if found is not None:
        first, total = int(found[1]), int(found[3])
        last = first if found[2] is None else int(found[2])
        if first <= last < total:
            return Share(tuple(range(first, last + 1)), total)
    raise WrongSettings(
        "DISCORD_SHARDS must be the first and the last shard of this process and how many there"
        f" are in all, counted from 0, such as 0-3/16 or 4/16 (it is “{setting[:40]}”)"
    )


class Pace:
    """When a session may be begun, as far as this process knows.

    Other processes begin sessions, too: who is too early for Discord is told so by it and comes
    again, which discord.py does.
    """

    def __init__(self, every_s: float = IDENTIFY_EVERY_S) -> None:
        self.at_once = 1
        """Discord's `max_concurrency`."""
        self._every_s = every_s
        self._begun: set[int] = set()
        self._next_at: dict[int, float] = {}

    async def wait(self, shard: int) -> None:
        """Returns when this shard may begin a session."""
        bucket, now = shard % self.at_once, monotonic()
        at = self._next_at.get(bucket, now)
        if shard in self._begun:  # what made the last session invalid needs a moment
            at = max(at, now + self._every_s)
        at = max(at, now)
        self._begun.add(shard)
        self._next_at[bucket] = at + self._every_s
        await asyncio.sleep(at - now)


class Presence:
    """Which of this process's shards are connected, as one word for the health page."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._expected: frozenset[int] = frozenset()
        self._there: set[int] = set()
        self._were_all_there = False

    def expect(self, shards: Iterable[int]) -> None:
        self._expected = frozenset(shards)

    @property
    def all_there(self) -> bool:
        return self._expected <= self._there

    def came(self, shard: int) -> None:
        self._there.add(shard)
        self._were_all_there = self._were_all_there or self.all_there
        self._tell(self.word)

    def went(self, shard: int) -> None:
        self._there.discard(shard)
        self._tell(self.word)

    @property
    def word(self) -> str:
        """ "connected" only when all of them are."""
        if self.all_there:
            return "connected"
        if not self._were_all_there:
            return STARTING
        if len(self._expected) == 1:
            return "reconnecting"
        away = sorted(self._expected - self._there)
        numbers = ", ".join(map(str, away))
        return f"reconnecting (shard{'s' if len(away) > 1 else ''} {numbers})"
