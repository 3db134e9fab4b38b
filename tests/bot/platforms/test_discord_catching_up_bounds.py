"""Catching up looks at what it has to, for as long as it may, and holds up nobody."""

from __future__ import annotations

import asyncio

import pytest

from bot.platforms import discord as platform
from bot.platforms.discord import catching_up
from bot.platforms.discord.errors import WrongToken
from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.caught_up import all_caught_up, answered_once, until_answered
from tests.bot.platforms.stage import bot_on
from tests.fakes.discord import FakeDiscord, Fault, Permission, User


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


def looked_at(discord: FakeDiscord) -> set[str]:
    """The channels whose history was asked for; not the direct ones of other tests' people."""
    asked_for = {one.path.split("/")[2] for one in discord.requests("GET", "/messages")}
    return asked_for & discord.world.channels.keys()


async def test_nothing_is_looked_at_with_the_setting_at_zero(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    discord.asks(ada, "missed")
    off = settings.model_copy(update={"catch_up_minutes": 0})
    async with bot_on(discord, off, app):
        live = discord.asks(ada, "live", discord.channel("elsewhere"))
        await until_answered(discord, live)
        await asyncio.sleep(1)
    assert looked_at(discord) == {str(live.channel.id)}  # around the question
    assert discord.seen() == []


async def test_where_the_bot_may_not_read_what_was_said_nothing_is_asked_for(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    closed = discord.channel("closed")
    discord.forbids(closed, Permission.READ_MESSAGE_HISTORY)
    discord.asks(ada, "hi", closed)
    missed = discord.asks(ada, "hi")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert looked_at(discord) == {discord.general.id}


async def test_quiet_channels_cost_no_request(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        discord.channel(f"quiet-{number}")
    missed = discord.asks(ada, "hi")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert looked_at(discord) == {discord.general.id}


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_place_that_can_not_be_looked_through_does_not_keep_the_others_from_it(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, status: int
) -> None:
    broken = discord.channel("broken")
    discord.asks(ada, "hi", broken)
    missed = discord.asks(ada, "hi")
    body = {"code": 0, "message": "as the test wants it"}
    path = f"/channels/{broken.id}/messages"
    discord.breaks(Fault("GET", path, status=status, body=body, times=100))
    async with bot_on(discord, settings, app):
        await until_answered(discord, missed)


async def test_so_many_places_are_looked_through_and_no_more(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(catching_up, "PLACES_MAX", 2)
    rooms = [discord.channel(f"room-{number}") for number in range(3)]
    missed = [discord.asks(ada, "hi", room) for room in rooms]
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, *missed[:2])
    assert discord.seen(rooms[2]) == []
    assert "1 places are too many to catch up" in caplog.text


async def test_live_messages_are_answered_while_the_bot_catches_up(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    rooms = [discord.channel(f"room-{number}") for number in range(16)]
    missed = [discord.asks(ada, "hi", room) for room in rooms]
    bee = discord.person("Bee")
    async with bot_on(discord, settings, app):
        await until_answered(discord, missed[0])
        live = discord.asks(bee, "hi")
        await until_answered(discord, live)
        assert not answered_once(discord, missed[-1])
        await until_answered(discord, *missed)


async def test_a_bot_that_stops_stops_looking(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    for number in range(12):
        discord.asks(ada, "hi", discord.channel(f"room-{number}"))
    async with bot_on(discord, settings, app):
        assert await discord.world.until(lambda: bool(discord.requests("GET", "/messages")), 10)
    assert len(discord.requests("GET", "/messages")) < 12


async def test_a_bot_whose_token_is_revoked_stops_looking(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    for number in range(40):
        discord.says(ada, "hm", discord.channel(f"place-{number}"))
    running = asyncio.create_task(platform.run(settings, app, asyncio.Event()))
    await discord.until_online()
    assert await discord.world.until(lambda: bool(looked_at(discord)), 10)
    discord.gateway.close_sockets(4004)
    with pytest.raises(WrongToken):
        await running
    names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
    assert not [one for one in names if one.startswith("CatchingUp.")]
