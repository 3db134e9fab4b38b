"""What tests of scenes share: a bot whose scenes are quick or stand still, and its personas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from bot.scene import OVER
from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, User
from tests.fakes.model import ModelServer, persona

END = f"-# {OVER}"


@pytest.fixture
def model(model: ModelServer) -> ModelServer:
    """Everybody says something new every time."""
    numbers = count(1)
    model.speaks = lambda question: [question["model"], " says", f" {next(numbers)}."]
    return model


@pytest.fixture
def settings(settings: Settings, model: ModelServer) -> Settings:
    model.personas = [persona(name) for name in ("maya", "tom", "zoe")]
    return settings


def quick(app: App, pause_s: Callable[[str], float] = lambda _: 0) -> App:
    """Nobody needs time to read."""
    app.scenes.pause_s = pause_s
    return app


@pytest.fixture
async def app(app: App) -> App:
    return quick(app)


@asynccontextmanager
async def standing(
    discord: FakeDiscord, settings: Settings, **more: Any
) -> AsyncIterator[tuple[RunningBot, App]]:
    """A bot whose scenes stand still after each line."""
    limited = settings.model_copy(update=more)
    async with wire(limited) as wired:
        app = quick(wired, lambda _: 3600)
        async with bot_on(discord, limited, app) as bot:
            yield bot, app


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


def plays(
    discord: FakeDiscord, person: User, channel: Channel | None = None, **more: Any
) -> Interaction:
    options = {"topic": "the sea", "persona_1": "maya", "persona_2": "tom"} | more
    return discord.uses(person, "scene", channel, **options)


def labels(message: Message | None) -> list[str]:
    assert message is not None
    return [part["label"] for row in message.components for part in row["components"]]


def said(discord: FakeDiscord, channel: Channel | None = None) -> list[str]:
    return [one.content for one in discord.seen(channel)]
