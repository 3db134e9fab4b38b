from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from tests.fakes.clients import RealBot, Rest, online
from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def rest(discord: FakeDiscord, session: aiohttp.ClientSession) -> Rest:
    return Rest(discord, session)


@pytest.fixture
def pointed(discord: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py talks to the fake."""
    monkeypatch.setattr(Route, "BASE", discord.api_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", URL(discord.gateway_url))


@pytest.fixture
async def bot(discord: FakeDiscord, pointed: None) -> AsyncIterator[RealBot]:
    """The real client, online; what it sends must be known to Discord."""
    real = RealBot()
    async with online(real, discord):
        yield real
    assert discord.oddities == set()
