"""A message that is taken back at the door leaves nobody waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.wiring import wire
from tests.bot.asked import ask, message
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap


async def test_who_is_cut_off_while_being_admitted_holds_up_nobody(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    async with (
        wire_tap(redis_home / "run" / "redis.sock") as tap,
        wire(settings_for(redis_home, model, redis_url=tap.url)) as app,
    ):
        await ask(app, place)  # the connection is made
        before = len(tap.sent)
        task = asyncio.create_task(app.conversation.answer(message(place), KeptReply()))
        while len(tap.sent) == before:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(15):  # a claim left behind would hold the floor for 30 s
            reply = await ask(app, place, "and me?")
        assert reply.final == "Hello there."
