"""One round trip to Redis: short scripts that travel together in one pipeline.

Knows how to ask and what Redis's failures mean to a person; knows no key and no script.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from .errors import MemoryFull, MemoryGone, MemoryLocked

log = logging.getLogger(__name__)

T = TypeVar("T")
V = TypeVar("V", str, int)

LAST_TRIP_PAUSES_SECONDS = (0.3, 1.0, 3.0)

CLOCK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
"""Lua: `now` in milliseconds by Redis's own clock, the one clock that all processes share."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One script over the keys of one hash tag, and how its answer is read."""

    script: str
    keys: tuple[str, ...]
    args: tuple[str | int | float, ...]
    read: Callable[[Any], T]


def as_it_is(reply: Any) -> Any:
    """How an answer is read that needs no reading."""
    return reply


def pairs(flat: Sequence[Any]) -> list[tuple[Any, Any]]:
    """What Redis tells of a hash, or of a sorted set with its scores."""
    return list(zip(flat[::2], flat[1::2], strict=True))


def flat(fields: Mapping[str, V]) -> list[str | V]:
    """As scripts take a hash."""
    return [part for pair in fields.items() for part in pair]


class Store:
    """Redis as the bot sees it. Scripts go as text (EVAL): no load before, nothing to miss."""

    def __init__(self, redis: Redis, revive: Callable[[], Awaitable[None]] | None = None) -> None:
        """`revive` brings the embedded server back after its death; None where it is not ours."""
        self._redis = redis
        self._revive = revive
        self._under_way = 0
        self._ended = asyncio.Event()
        self._ended.set()
        self._closed = False

    async def ask(self, ask: Ask[T]) -> T:
        """One script, one round trip. Raises MemoryGone, MemoryFull, MemoryLocked."""
        return cast(T, (await self._trip(ask))[0])

    async def ask_all(self, *asks: Ask[Any]) -> list[Any]:
        """Any number of scripts, one round trip; all are run whatever the others say."""
        return await self._trip(*asks) if asks else []

    async def aclose(self) -> None:
        """Ends what is asked from now on, and waits for what was asked before: a connection that
        is made after the others were closed is closed by nobody."""
        self._closed = True
        await self._ended.wait()

    async def _trip(self, *asks: Ask[Any]) -> list[Any]:
        if self._closed:
            raise MemoryGone("asked of a store that is closed")
        self._under_way += 1
        self._ended.clear()
        try:
            return await self._asked(*asks)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._ended.set()

    async def _asked(self, *asks: Ask[Any]) -> list[Any]:
        try:
            replies = await self._send(asks)
        except RedisConnectionError as error:
            if self._revive is None or isinstance(error, AuthenticationError):
                raise _meaning(error) from error
            await self._revive()
            try:
                replies = await self._send(asks)
            except RedisError as again:
                raise _meaning(again) from again
        except RedisError as error:
            raise _meaning(error) from error
        return [ask.read(reply) for ask, reply in zip(asks, replies, strict=True)]

    async def _send(self, asks: tuple[Ask[Any], ...]) -> list[Any]:
        task = asyncio.current_task()
        assert task is not None
        cancelled_before = task.cancelling()
        async with self._redis.pipeline(transaction=False) as pipe:
            for ask in asks:
                pipe.eval(ask.script, len(ask.keys), *ask.keys, *ask.args)
            replies = await pipe.execute()
        if task.cancelling() > cancelled_before:
            # Python 3.11's wait_for, which redis-py sends with, may swallow a cancellation.
            raise asyncio.CancelledError
        return replies


async def unless_gone(trip: Callable[[], Awaitable[object]], otherwise: str) -> None:
    """The last trip for something, made again for a while: a claim that nobody settles keeps all
    others waiting. There is nobody left to tell when memory stays away."""
    for pause_s in (*LAST_TRIP_PAUSES_SECONDS, None):
        try:
            await trip()
            return
        except MemoryGone:
            if pause_s is not None:
                await asyncio.sleep(pause_s)
    log.warning("%s", otherwise)


def _meaning(error: RedisError) -> MemoryGone:
    detail = f"Redis: {error}"
    log.warning("%s", detail)
    if isinstance(error, AuthenticationError | NoPermissionError) or "NOAUTH" in detail:
        return MemoryLocked(detail)
    if "MISCONF" in detail or "OOM command" in detail:
        return MemoryFull(detail)
    return MemoryGone(detail)
