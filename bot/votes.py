"""Which answer of a comparison people prefer, counted by persona and version.

Knows its own keys in Redis: each person's votes by their id, so that they can be forgotten, and
the tallies, which name nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .store import CLOCK, Ask, Store, as_it_is, pairs

VOTES_KEPT_DAYS = 30
"""Who voted is known for as long as a comparison may still be found and clicked."""
VOTES_KEPT = 1_000
"""Of one person; the oldest are forgotten first."""
TALLIES_KEPT_DAYS = 365
"""After the last vote: versions that nobody compared for a year are gone."""

DAY_MS = 86_400_000

# KEYS: a person's votes (zset comparison → when); ARGV: comparison, ttl ms, votes kept
_VOTE = (
    CLOCK
    + """
local votes, ttl = KEYS[1], tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', votes, '-inf', now - ttl)
local new = redis.call('ZADD', votes, 'NX', now, ARGV[1])
redis.call('ZREMRANGEBYRANK', votes, 0, -(ARGV[3] + 1))
redis.call('PEXPIRE', votes, ttl)
return new
"""
)

_VOTED = "return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')"

_FORGET = """
local many = redis.call('ZCARD', KEYS[1])
redis.call('DEL', KEYS[1])
return many
"""

# KEYS: tallies (hash [persona, version, "won" or "lost"] → how many); ARGV: ttl ms, fields
_TALLY = """
for i = 2, #ARGV do redis.call('HINCRBY', KEYS[1], ARGV[i], 1) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""

_TALLIES = "return redis.call('HGETALL', KEYS[1])"


@dataclass(frozen=True, slots=True)
class Side:
    """Who gave one of the answers that are compared."""

    persona: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How the comparisons of one version ended."""

    won: int = 0
    lost: int = 0


class Votes:
    """Which answer of a comparison people prefer; counted by persona and version."""

    def __init__(self, store: Store, *, name: str = "votes") -> None:
        """`name` tells separate collections apart."""
        self._store = store
        self._tallies = (f"understudy:{{{name}}}:tallies",)

    async def cast(
        self, author_id: str, comparison: str, choice: Side, over: Sequence[Side] = ()
    ) -> bool:
        """Count one vote; False where this person voted in this comparison before.

        The first vote stands: after it, who said what may have been told.
        """
        args = (comparison, VOTES_KEPT_DAYS * DAY_MS, VOTES_KEPT)
        if not await self._store.ask(Ask(_VOTE, _key(author_id), args, bool)):
            return False
        ended = [(choice, "won"), *((side, "lost") for side in over)]
        fields = [json.dumps([side.persona, side.version, how]) for side, how in ended]
        tally: tuple[str | int, ...] = (TALLIES_KEPT_DAYS * DAY_MS, *fields)
        await self._store.ask(Ask(_TALLY, self._tallies, tally, int))
        return True

    async def counts(self, persona: str) -> dict[str | None, Tally]:
        """By version of the persona."""
        found: dict[str | None, Tally] = {}
        ask = Ask(_TALLIES, self._tallies, (), as_it_is)
        for field, count in pairs(await self._store.ask(ask)):
            name, version, how = json.loads(field)
            if name == persona:
                found[version] = replace(found.get(version, Tally()), **{how: int(count)})
        return found

    async def cast_by(self, author_id: str) -> list[int]:
        """When a person voted, in seconds since 1970, oldest first."""
        ask = Ask(_VOTED, _key(author_id), (), as_it_is)
        return [int(float(when)) // 1000 for _, when in pairs(await self._store.ask(ask))]

    async def forget(self, author_id: str) -> int:
        """Forget that a person voted, and how often; the tallies, which name nobody, stay."""
        return await self._store.ask(Ask(_FORGET, _key(author_id), (), int))


def _key(author_id: str) -> tuple[str]:
    return (f"understudy:person:{{{author_id}}}:votes",)
