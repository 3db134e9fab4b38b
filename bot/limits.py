"""How often one person may ask, counted in Redis so that all platforms and processes share it.

Knows people only by their ids, and nothing of what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from .store import CLOCK, Ask

PERIOD_MS = 60_000

# GCRA: `tat`, the theoretical arrival time, is all there is to remember of a person. A message
# moves it on by one interval; a burst is allowed until it is a whole period ahead of the clock.
_COUNT = (
    CLOCK
    + """
local burst, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval = period / burst
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = tat + interval - period - now
if wait > 0 then
  local first = redis.call('SET', KEYS[2], '1', 'NX', 'PX', period)
  return {0, 0, math.ceil(wait), first and 1 or 0}
end
tat = tat + interval
redis.call('SET', KEYS[1], string.format('%.3f', tat), 'PX', math.ceil(tat - now) + 1)
return {1, math.floor((now + period - tat) / interval + 0.0001), 0, 0}
"""
)

_REFUND = """
local tat = redis.call('GET', KEYS[1])
if tat then
  local refunded = string.format('%.3f', tat - ARGV[2] / ARGV[1])
  redis.call('SET', KEYS[1], refunded, 'KEEPTTL')
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a person may ask now; `first` says that they were not told "no" lately."""

    allowed: bool
    remaining: int
    retry_after_s: float
    first: bool = False

    @property
    def spoken(self) -> str:
        """The notice for somebody over the limit."""
        seconds = max(1, ceil(self.retry_after_s))
        unit = "second" if seconds == 1 else "seconds"
        return f"That was a lot at once. I can answer you again in {seconds} {unit}."


class Limits:
    """Messages per minute and person (GCRA); 0 is no limit."""

    def __init__(self, messages_per_minute: int, period_ms: int = PERIOD_MS) -> None:
        self._messages = messages_per_minute
        self._period_ms = period_ms

    @property
    def off(self) -> bool:
        return self._messages == 0

    def count(self, author_id: str) -> Ask[Verdict]:
        """Count one message of this person and judge it; over the limit it is not counted."""
        return Ask(_COUNT, self._keys(author_id), (self._messages, self._period_ms), _verdict)

    def refund(self, author_id: str) -> Ask[int]:
        """Take one counted message back: it was a duplicate."""
        return Ask(_REFUND, self._keys(author_id), (self._messages, self._period_ms), int)

    def _keys(self, author_id: str) -> tuple[str, str]:
        return (
            f"understudy:limit:{{{author_id}}}:tat",
            f"understudy:limit:{{{author_id}}}:told",
        )


def _verdict(reply: list[int]) -> Verdict:
    allowed, remaining, wait_ms, first = reply
    return Verdict(bool(allowed), remaining, wait_ms / 1000, bool(first))
