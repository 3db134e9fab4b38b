"""What is kept of a conversation ends by itself, whatever became of the processes that kept it."""

from __future__ import annotations

from itertools import count

import pytest

from bot.memory import Claim, Memory
from bot.messages import Incoming
from bot.scripts import KEYS
from bot.store import Ask, Store

_ids = count(1)

NEVER_ENDS = -1


@pytest.fixture
def memory(kept: Store) -> Memory:
    return Memory(kept, keep=6, ttl_s=60)


def claim_in(place: str) -> Claim:
    return Claim(Incoming(place, str(next(_ids)), "test:Tom", "Tom", "hi"))


async def endless(kept: Store, place: str) -> list[str]:
    """The keys of a conversation that would stay for ever."""
    keys = tuple(f"understudy:conversation:{{{place}}}:{name}" for name in KEYS)
    script = "local f = {} for i, k in ipairs(KEYS) do f[i] = redis.call('PTTL', k) end return f"
    left_ms = await kept.ask(Ask(script, keys, (), list))
    return [name for name, left in zip(KEYS, left_ms, strict=True) if left == NEVER_ENDS]


async def test_who_waited_for_the_floor_and_died_with_it_leaves_no_key_for_ever(
    kept: Store, memory: Memory, place: str
) -> None:
    first, second = claim_in(place), claim_in(place)
    await kept.ask_all(memory.claim(first), memory.claim(second))
    await memory.finish(first)
    assert await kept.ask(memory.take(second)) is not None
    assert await endless(kept, place) == []


async def test_claims_that_nobody_settled_do_not_pile_up(
    kept: Store, memory: Memory, place: str
) -> None:
    lost = claim_in(place)
    await kept.ask(memory.claim(lost))
    claims = (f"understudy:conversation:{{{place}}}:claims",)
    ran_out_long_ago = "return redis.call('HSET', KEYS[1], ARGV[1], '1000 1 token')"
    await kept.ask(Ask(ran_out_long_ago, claims, (lost.incoming.message_id,), int))
    await kept.ask(memory.claim(claim_in(place)))
    assert await kept.ask(Ask("return redis.call('HLEN', KEYS[1])", claims, (), int)) == 1
