"""Presses while memory is away for a moment, or the process ends: nothing is held up or lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.errors import StoppingNow, UnderstudyError
from bot.memory import Memory
from bot.messages import Incoming
from bot.settings import Settings
from bot.store import Ask, Store
from bot.wiring import App, wire
from tests.bot.conftest import settings_for
from tests.bot.retold import InPlace, again, ask, press, texts, turn_to
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import WireTap, wire_tap


@dataclass
class Outage(InPlace):
    """While this one is shown, memory goes away for a moment."""

    tap: WireTap | None = None

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:
        assert self.tap is not None
        self.tap.away = True
        await self.tap.cut()
        asyncio.get_running_loop().call_later(0.8, self._back)
        await InPlace.finish(self, text, failure)

    def _back(self) -> None:
        assert self.tap is not None
        self.tap.away = False


async def test_what_is_turned_to_while_memory_is_away_is_remembered_when_it_is_back(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    async with (
        wire_tap(redis_home / "run" / "redis.sock") as tap,
        wire(settings_for(redis_home, model, redis_url=tap.url)) as app,
    ):
        shown = await ask(app, place)
        await again(app, place, shown)
        reply = Outage(shown_as=(shown,), tap=tap)
        await app.conversation.turn_to(press(place), shown, -1, reply)
        assert (await texts(app, place, shown))[1] == 0
        async with asyncio.timeout(15):  # a claim left behind would hold the floor for 30 s
            await ask(app, place, "and me?")


async def test_no_page_is_turned_while_the_process_ends(app: App, place: str) -> None:
    shown = await ask(app, place)
    await app.conversation.drain()
    with pytest.raises(StoppingNow):
        await turn_to(app, place, shown, -1)


async def test_a_press_that_is_cut_off_while_it_is_counted_costs_nothing(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    async with wire_tap(redis_home / "run" / "redis.sock") as tap:
        settings = settings_for(redis_home, model, redis_url=tap.url, limit_messages_per_minute=9)
        async with wire(settings) as app:
            shown = await ask(app, place, author=place)
            before = len(tap.sent)
            pressing = asyncio.create_task(again(app, place, shown, place))
            while len(tap.sent) == before:
                await asyncio.sleep(0)
            pressing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pressing
            assert await used(app, f"test:{place}") == 1


async def test_a_message_that_another_process_took_over_is_counted_there_alone(
    redis_home: Path, model: ModelServer, kept: Store, place: str
) -> None:
    settings = settings_for(redis_home, model, limit_messages_per_minute=9)
    first = Memory(kept, keep=64, ttl_s=60)
    await kept.ask(first.reclaim(place, await _shown(settings_for(redis_home, model), place), "x"))
    async with wire(settings) as app:
        said, reply = Incoming(place, "waiting", f"test:{place}", "Tom", "hi"), KeptReply()
        waiting = asyncio.create_task(app.conversation.answer(said, reply))
        claims = (f"understudy:conversation:{{{place}}}:claims",)
        while not await kept.ask(Ask(_TAKE_OVER, claims, ("waiting",), int)):
            await asyncio.sleep(0.01)
        await waiting
        assert reply.silent
        assert await used(app, f"test:{place}") == 0


_TAKE_OVER = """
local claim = redis.call('HGET', KEYS[1], ARGV[1])
if not claim then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.match(claim, '^%d+ %S+ ') .. 'another')
return 1
"""


async def _shown(settings: Settings, place: str) -> str:
    async with wire(settings) as app:
        return await ask(app, place)


async def used(app: App, author: str) -> int:
    """So many messages count against somebody."""
    rest = (await app.limits.left(author)).person.messages
    assert rest is not None
    return rest.of - rest.left
