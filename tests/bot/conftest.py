"""Real parts for the bot's tests: a Redis server, a stub model server, a wired bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.embedded_redis import EmbeddedRedis
from bot.settings import Settings
from bot.store import Store
from bot.wiring import App, store, wire
from tests.fakes.model import ADMIN_KEY, KEY, ModelServer, model_server

OUR_VARIABLES = tuple(name.upper() for name in Settings.model_fields)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's environment nor its .env."""
    for name in OUR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def redis_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose Redis runs for all tests; each test has conversations of its own."""
    home = tmp_path_factory.mktemp("home")
    with EmbeddedRedis(home).running():
        yield home


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


@pytest.fixture
def settings(redis_home: Path, model: ModelServer) -> Settings:
    return settings_for(redis_home, model)


@pytest.fixture
async def kept(settings: Settings) -> AsyncIterator[Store]:
    async with store(settings) as opened:
        yield opened


@pytest.fixture
def place() -> str:
    """A conversation of one's own."""
    return f"test:{uuid4()}"


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    async with wire(settings) as wired:
        yield wired


def settings_for(home: Path, model: ModelServer, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "understudy_home": home,
        "inference_url": model.url,
        "inference_api_key": KEY,
        "admin_api_key": ADMIN_KEY,
        "limit_messages_per_minute": 0,
        "draft_seconds": 0,
        **more,
    }
    return Settings(**values)
