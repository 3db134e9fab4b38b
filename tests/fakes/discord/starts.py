"""How many sessions may start: shards, one IDENTIFY at a time in each bucket, a total a day."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tests.fakes.discord.errors import Json

TOTAL = 1000
A_DAY_MS = 86_400_000


@dataclass
class Starts:
    """`shards` is the number Discord recommends; tests may change all of it.

    A shard's bucket is its number modulo `max_concurrency`; each takes one IDENTIFY per
    `identify_every_s`.
    """

    shards: int = 1
    max_concurrency: int = 1
    identify_every_s: float = 5.0
    used: int = 0
    refused: int = 0
    _last_s: dict[int, float] = field(default_factory=dict)

    def take(self, shard: int) -> bool:
        """Whether this shard may start now."""
        bucket, now_s = shard % self.max_concurrency, time.monotonic()
        last_s = self._last_s.get(bucket)
        if last_s is not None and now_s - last_s < self.identify_every_s:
            self.refused += 1
            return False
        self._last_s[bucket] = now_s
        self.used += 1
        return True

    def as_json(self, url: str) -> Json:
        return {
            "url": url,
            "shards": self.shards,
            "session_start_limit": {
                "total": TOTAL,
                "remaining": max(0, TOTAL - self.used),
                "reset_after": A_DAY_MS,
                "max_concurrency": self.max_concurrency,
            },
        }


def shard_of(identify: Json) -> tuple[int, int] | None:
    """Which of how many; None where it is no shard."""
    match identify.get("shard", [0, 1]):
        case [int(shard), int(shards)] if 0 <= shard < shards:
            return shard, shards
    return None
