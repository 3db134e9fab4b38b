"""How much of an allowance is used, counted in Redis: the Lua of the limits.

Knows one subject, a person or a server, by its id; knows no role, no message and no word.

Both rates are GCRA: `tat`, the theoretical arrival time, is all there is to remember of one. What
is used moves it on; it may be a whole period ahead of the clock, and comes back continuously:
there is no midnight at which a day's tokens are new. A message is judged before its tokens are
known, so the last answer may overdraw, and the next one waits until the debt is paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .allowances import Allowance
from .store import CLOCK, Ask

MINUTE_MS = 60_000
DAY_MS = 86_400_000
TOLD_MS = 600_000
"""Who waits for tokens, which may take hours, is told so again after this while."""

# KEYS: tat of messages, tat of tokens; ARGV: messages, minute ms, tokens, day ms
_RATES = (
    CLOCK
    + """
local messages, minute = tonumber(ARGV[1]), tonumber(ARGV[2])
local tokens, day = tonumber(ARGV[3]), tonumber(ARGV[4])

local function tat_of(key)
  return math.max(tonumber(redis.call('GET', key) or now), now)
end

-- How long until one more fits; 0 or less: it does now. A thousandth is forgiven, for rounding.
local function wait(key, burst, period)
  if burst == 0 then return 0 end
  return tat_of(key) + 0.999 * period / burst - period - now
end

local function use(key, burst, period, amount)
  if burst == 0 then return end
  local tat = tat_of(key) + amount * period / burst
  redis.call('SET', key, string.format('%.3f', tat), 'PX', math.ceil(tat - now) + 1)
end
"""
)

# KEYS: …, who was told about messages, about tokens; ARGV: …, told for ms
_COUNT = (
    _RATES
    + """
local by_messages, by_tokens = wait(KEYS[1], messages, minute), wait(KEYS[2], tokens, day)
local over = math.max(by_messages, by_tokens)
if over > 0 then
  local tired = by_tokens == over
  local quiet = tired and math.min(over, tonumber(ARGV[5])) or minute
  local told = tired and KEYS[4] or KEYS[3]
  local first = redis.call('SET', told, '1', 'NX', 'PX', math.ceil(quiet))
  return {0, math.ceil(over), first and 1 or 0, tired and 1 or 0}
end
use(KEYS[1], messages, minute, 1)
return {1, 0, 0, 0}
"""
)

_REFUND = (
    _RATES
    + """
if messages > 0 and redis.call('EXISTS', KEYS[1]) == 1 then
  local refunded = string.format('%.3f', tat_of(KEYS[1]) - minute / messages)
  redis.call('SET', KEYS[1], refunded, 'KEEPTTL')
end
return 1
"""
)

# ARGV: …, tokens spent
_SETTLE = _RATES + "use(KEYS[2], tokens, day, tonumber(ARGV[5])) return 1"

_LEFT = (
    _RATES
    + """
local function left(key, burst, period)
  if burst == 0 then return 0, 0, 0 end
  local ahead = tat_of(key) - now
  local rest = math.floor((period - ahead) * burst / period + 0.01)
  return math.max(rest, 0), math.ceil(math.max(wait(key, burst, period), 0)), math.ceil(ahead)
end
local m, m_next, m_full = left(KEYS[1], messages, minute)
local t, t_next, t_full = left(KEYS[2], tokens, day)
return {m, m_next, m_full, t, t_next, t_full}
"""
)


@dataclass(frozen=True, slots=True)
class Count:
    """What became of one message; `first` says that nobody was told "no" lately."""

    allowed: bool
    retry_after_s: float
    first: bool
    of_tokens: bool
    """It is the day's tokens that are used up, not the minute's messages."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of one number: `next_s` until one more is there, `full_s` until all are."""

    of: int
    left: int
    next_s: float
    full_s: float


@dataclass(frozen=True, slots=True)
class Rests:
    """None is no limit."""

    messages: Rest | None = None
    tokens: Rest | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """The account of one subject; `listener` is who is told where that is somebody else."""

    subject: str
    allowance: Allowance
    listener: str = ""
    minute_ms: int = MINUTE_MS
    day_ms: int = DAY_MS

    def count(self) -> Ask[Count]:
        """Count one message and judge it; over the limit it is not counted."""
        told = f":{self.listener}" if self.listener else ""
        keys = (*self._keys, self._key(f"told:messages{told}"), self._key(f"told:tokens{told}"))
        return Ask(_COUNT, keys, (*self._args, TOLD_MS), _count)

    def refund(self) -> Ask[int]:
        """Take one counted message back: it was a duplicate, or somebody else said no."""
        return Ask(_REFUND, self._keys, self._args, int)

    def settle(self, tokens: int) -> Ask[int]:
        """What an answer cost, once it is known; it may overdraw."""
        return Ask(_SETTLE, self._keys, (*self._args, tokens), int)

    def rests(self) -> Ask[Rests]:
        """What is left, without counting anything."""
        return Ask(_LEFT, self._keys, self._args, self._read_rests)

    @property
    def _keys(self) -> tuple[str, str]:
        return self._key("messages"), self._key("tokens")

    @property
    def _args(self) -> tuple[int, int, int, int]:
        allowed = self.allowance
        return allowed.messages_per_minute, self.minute_ms, allowed.tokens_per_day, self.day_ms

    def _key(self, name: str) -> str:
        return f"understudy:limit:{{{self.subject}}}:{name}"

    def _read_rests(self, reply: Sequence[int]) -> Rests:
        messages, tokens = self.allowance.messages_per_minute, self.allowance.tokens_per_day
        return Rests(_rest(messages, reply[:3]), _rest(tokens, reply[3:]))


def _count(reply: Sequence[int]) -> Count:
    allowed, wait_ms, first, of_tokens = reply
    return Count(bool(allowed), wait_ms / 1000, bool(first), bool(of_tokens))


def _rest(of: int, reply: Sequence[int]) -> Rest | None:
    left, next_ms, full_ms = reply
    return Rest(of, left, next_ms / 1000, full_ms / 1000) if of else None
