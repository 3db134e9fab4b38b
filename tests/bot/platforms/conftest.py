from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.conftest import settings_for
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.limits import Limit
from tests.fakes.model import ModelServer, persona


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    """A fake Discord, five times as quick; a test in which it is sent unknown fields fails."""
    async with FakeDiscord() as fake:
        fake.limits.rules = {route: Limit(5, 1.0) for route in fake.limits.rules}
        fake.gateway.starts.identify_every_s = 0.0  # tests restart the bot at once
        yield fake
        assert fake.oddities == set()


@pytest.fixture
def settings(redis_home: Path, model: ModelServer, discord: FakeDiscord) -> Settings:
    model.personas = [persona("maya", current=3), persona("tom", current=None)]
    return settings_for(
        redis_home,
        model,
        discord_token=discord.token,
        discord_api_url=discord.api_url,
        discord_gateway_url=discord.gateway_url,
    )


@pytest.fixture
async def bot(discord: FakeDiscord, settings: Settings, app: App) -> AsyncIterator[RunningBot]:
    """The whole bot, online."""
    async with bot_on(discord, settings, app) as running:
        yield running
