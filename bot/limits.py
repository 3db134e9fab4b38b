"""Whether somebody may ask now: people and servers, counted for all platforms and processes.

Knows people, roles and servers only by their ids, and nothing of what is said. How is counted is
`quotas`' affair, who may use how much is `allowances`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from time import monotonic
from typing import Any

from .allowances import NONE_SET, NUMBERS, Allowance, Overrides
from .messages import Incoming
from .quotas import Count, Quota, Rests
from .store import Ask, Store, flat, pairs

OVERRIDES_FRESH_SECONDS = 10
"""So long a process may go on with what it knows of another process's change."""

_READ = "return redis.call('HGETALL', KEYS[1])"
# ARGV: pairs of field and number
_SET = "redis.call('HSET', KEYS[1], unpack(ARGV)) " + _READ
# ARGV: fields
_RESET = "redis.call('HDEL', KEYS[1], unpack(ARGV)) " + _READ


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a person may ask now; `first` says that they were not told "no" lately."""

    allowed: bool = True
    retry_after_s: float = 0
    first: bool = False
    why: str = ""
    quotas: tuple[Quota, ...] = ()
    counted: tuple[Quota, ...] = ()

    @property
    def spoken(self) -> str:
        """The notice for somebody over the limit."""
        return f"{self.why} again in {spoken_time(self.retry_after_s)}."

    @property
    def refunds(self) -> tuple[Ask[int], ...]:
        """Take back what was counted for this message."""
        return tuple(quota.refund() for quota in self.counted)

    def settle(self, tokens: int) -> tuple[Ask[int], ...]:
        """What its answer cost, for those whose tokens are counted."""
        limited = (quota for quota in self.quotas if quota.allowance.tokens_per_day)
        return tuple(quota.settle(tokens) for quota in limited) if tokens else ()


@dataclass(frozen=True, slots=True)
class Counting:
    """One message before the limits: what is asked of Redis, together with its admission."""

    said: Incoming
    quotas: tuple[Quota, ...]
    reading: Ask[Overrides] | None = None

    @property
    def asks(self) -> tuple[Ask[Any], ...]:
        counts = tuple(quota.count() for quota in self.quotas)
        return (*counts, self.reading) if self.reading else counts


@dataclass(frozen=True, slots=True)
class Left:
    """What a person may still use, and their server as a whole."""

    person: Rests
    server: Rests


class Limits:
    """The owner's bounds and each server's overrides, kept in Redis and known here for a while."""

    def __init__(
        self,
        store: Store,
        persons: Allowance,
        servers: Allowance | None = None,
        *,
        fresh_s: float = OVERRIDES_FRESH_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`persons` is what each person may use, `servers` what each server may as a whole."""
        self._store = store
        self.persons = persons
        self.servers = servers or Allowance()
        self._fresh_s = fresh_s
        self._clock = clock
        self._known: dict[str, tuple[Overrides, float]] = {}

    def counting(self, said: Incoming) -> Counting:
        """What to ask for one message; overrides not fresh any more are read on the same trip."""
        overrides, read_at = self._known.get(said.server or "", (NONE_SET, -inf))
        reading = None
        if said.server is not None and self._clock() - read_at >= self._fresh_s:
            reading = _read(said.server)
        quotas = self._quotas(overrides, said.author_id, said.roles, said.server)
        limited = tuple(quota for quota in quotas if not quota.allowance.unlimited)
        return Counting(said, limited, reading)

    async def verdict(self, counting: Counting, replies: Sequence[Any]) -> Verdict:
        """What the replies to `counting.asks` mean; one trip more where an override was news."""
        verdict = _verdict(counting.quotas, replies)
        if counting.reading is None:
            return verdict
        self._learn(counting.said.server, replies[-1])
        anew = self.counting(counting.said)
        if anew.quotas == counting.quotas:
            return verdict
        refunds, counts = verdict.refunds, [quota.count() for quota in anew.quotas]
        replies = await self._store.ask_all(*refunds, *counts)
        return _verdict(anew.quotas, replies[len(refunds) :])

    async def left(
        self, author_id: str, roles: Iterable[str] = (), server: str | None = None
    ) -> Left:
        """What is left for a person in a server, without counting anything."""
        overrides = await self.overrides(server) if server else NONE_SET
        quotas = self._quotas(overrides, author_id, roles, server)
        person, *others = await self._store.ask_all(*(quota.rests() for quota in quotas))
        return Left(person, others[0] if others else Rests())

    async def overrides(self, server: str) -> Overrides:
        """What the administrators of a server set, as it is now."""
        return self._learn(server, await self._store.ask(_read(server)))

    async def change(self, server: str, subject: str, **numbers: int) -> Overrides:
        """Set some of the numbers of Allowance for a role, a person, EVERYBODY, WHOLE_SERVER."""
        fields = flat({f"{subject} {name}": number for name, number in numbers.items()})
        ask = Ask(_SET, _keys(server), tuple(fields), _overrides)
        return self._learn(server, await self._store.ask(ask))

    async def reset(self, server: str, subject: str) -> Overrides:
        """Take an override away."""
        fields = tuple(f"{subject} {name}" for name in NUMBERS)
        ask = Ask(_RESET, _keys(server), fields, _overrides)
        return self._learn(server, await self._store.ask(ask))

    def _learn(self, server: str | None, overrides: Overrides) -> Overrides:
        self._known[server or ""] = overrides, self._clock()
        return overrides

    def _quotas(
        self, overrides: Overrides, author_id: str, roles: Iterable[str], server: str | None
    ) -> tuple[Quota, ...]:
        person = Quota(author_id, overrides.person(self.persons, author_id, roles))
        if server is None:
            return (person,)
        return person, Quota(server, overrides.server(self.servers), listener=author_id)


def spoken_time(seconds: float) -> str:
    """A while in the unit that people would use, rounded up."""
    for unit, length, longest in (("second", 1, 90), ("minute", 60, 90), ("hour", 3600, 48)):
        if (number := max(1, ceil(seconds / length))) <= longest:
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return f"{ceil(seconds / 86_400)} days"


def _verdict(quotas: tuple[Quota, ...], replies: Sequence[Any]) -> Verdict:
    counts: list[Count] = list(replies[: len(quotas)])
    judged = list(zip(quotas, counts, strict=True))
    counted = tuple(quota for quota, count in judged if count.allowed)
    for quota, count in judged:
        if not count.allowed:
            why = _why(quota, count)
            return Verdict(False, count.retry_after_s, count.first, why, quotas, counted)
    return Verdict(quotas=quotas, counted=counted)


def _why(quota: Quota, count: Count) -> str:
    if quota.listener:
        return "This whole server has asked me a lot. I can answer here"
    return f"That was a lot {'for a day' if count.of_tokens else 'at once'}. I can answer you"


def _keys(server: str) -> tuple[str]:
    return (f"understudy:limits:{{{server}}}",)


def _read(server: str) -> Ask[Overrides]:
    return Ask(_READ, _keys(server), (), _overrides)


def _overrides(reply: Sequence[str]) -> Overrides:
    numbers: dict[tuple[str, str], int] = {}
    for field, number in pairs(reply):
        subject, _, name = field.rpartition(" ")
        numbers[subject, name] = int(number)
    return Overrides(numbers)
