"""What tests of memory share: what is kept by now, and a bot whose Redis can be listened to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.stage import bot_on
from tests.fakes.discord import FakeDiscord, Message, User
from tests.fakes.wire_tap import WireTap, wire_tap

HELLO = "Hello there."


async def messages(app: App, person: User) -> list[str]:
    """What is remembered of somebody, in order."""
    exported = await app.people.export(f"discord:{person.id}")
    return [one["text"] for one in exported["messages"]]


async def until_remembered(app: App, person: User, texts: list[str]) -> None:
    async with asyncio.timeout(5):
        while sorted(await messages(app, person)) != sorted(texts):
            await asyncio.sleep(0.01)


async def until_kept(app: App, answer: Message) -> None:
    """It is shown, and a moment later it is remembered, too."""
    async with asyncio.timeout(8):
        while await app.memory.turn(f"discord:{answer.channel.id}", answer.id) is None:
            await asyncio.sleep(0.01)


async def until_settled(app: App, discord: FakeDiscord, text: str = HELLO) -> None:
    """The answer is shown and remembered, too."""
    answer = await discord.until_says(text)
    await until_kept(app, answer)


@asynccontextmanager
async def tapped(
    discord: FakeDiscord, settings: Settings, home: Path, *, away: bool = False
) -> AsyncIterator[tuple[WireTap, App]]:
    """A bot whose questions to Redis are counted, or get no answer: none at all with `away`."""
    async with wire_tap(home / "run" / "redis.sock") as tap:
        tap.away = away
        settings = settings.model_copy(update={"redis_url": SecretStr(tap.url)})
        async with wire(settings) as app, bot_on(discord, settings, app):
            yield tap, app
