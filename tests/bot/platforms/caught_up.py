"""What tests of catching up share: the end of a look, and what it must not answer twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.memory import Claim
from bot.messages import Incoming
from bot.store import Ask
from bot.wiring import App
from tests.fakes.discord import Channel, FakeDiscord, Message

HELLO = "Hello there."


@asynccontextmanager
async def all_caught_up(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """At the end of the block the look through all places is over."""
    caplog.set_level(logging.INFO, "bot.platforms.discord.catching_up")
    yield
    async with asyncio.timeout(30):
        while "caught up:" not in caplog.text:
            await asyncio.sleep(0.05)


def answered_once(discord: FakeDiscord, asked: Message) -> bool:
    replies = [one for one in discord.seen(asked.channel) if one.reply_to == asked.id]
    return [one.content for one in replies] == [HELLO]


async def until_answered(discord: FakeDiscord, *asked: Message) -> None:
    assert await discord.world.until(lambda: all(answered_once(discord, one) for one in asked), 20)


async def forgets_everything(app: App, channel: Channel) -> None:
    """As if Redis had begun anew."""
    key = f"understudy:conversation:{{discord:{channel.id}}}:answered"
    ask: Ask[int] = Ask("return redis.call('DEL', KEYS[1])", (key,), (), int)
    assert await app.people._store.ask(ask) == 1


async def claims(app: App, asked: Message, lease_s: float | None = None) -> None:
    """As a process does that dies before it has an answer."""
    app.memory._lease_s = app.memory._lease_s if lease_s is None else lease_s
    where, author = f"discord:{asked.channel.id}", f"discord:{asked.author.id}"
    said = Incoming(where, asked.id, author, asked.author.display_name, "hi")
    await app.people._store.ask(app.memory.claim(Claim(said)))
