"""The gateway's bad days: what is said meanwhile is answered afterwards, and once."""

from __future__ import annotations

import asyncio

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, bot_on, pointed_at, settled
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import ModelServer

HELLO = "Hello there."


async def test_a_message_delivered_twice_is_answered_once(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    asked = discord.asks(discord.person("Ada"), "hi")
    discord.redeliver(asked)
    assert await settled(discord, asked) == [HELLO]
    discord.redeliver(asked)
    assert await settled(discord, asked) == [HELLO]
    assert len(model.questions) == 1


@pytest.mark.parametrize("fault", ["reconnect", "invalid, resumable", "dropped", "closed"])
async def test_what_is_said_while_the_gateway_is_away_is_answered_after_resume(
    discord: FakeDiscord, bot: RunningBot, fault: str
) -> None:
    match fault:
        case "reconnect":
            discord.gateway.ask_to_reconnect()
        case "invalid, resumable":
            discord.gateway.invalidate(resumable=True)
        case "dropped":
            discord.gateway.drop_sockets()
        case "closed":
            discord.gateway.close_sockets(4000)
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    asked = discord.asks(discord.person("Ada"), "did you miss me?")
    assert await settled(discord, asked) == [HELLO]
    assert discord.gateway.resumed == 1
    assert len(discord.gateway.identified) == 1


async def test_an_invalid_session_is_begun_anew(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    discord.gateway.invalidate(resumable=False)
    # discord.py waits 5 s before it identifies again, as Discord asks.
    assert await discord.world.until(lambda: len(discord.gateway.identified) == 2, 9)
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]
    assert app.platforms["discord"] == "connected"


async def test_a_session_that_discord_has_forgotten_is_begun_anew_and_nothing_is_lost(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.gateway.drop_sockets()
    discord.gateway.sessions.clear()
    asked = discord.asks(discord.person("Ada"), "did you miss me?")
    assert await settled(discord, asked) == [HELLO]
    assert discord.gateway.resumed == 0
    assert len(discord.gateway.identified) == 2


async def test_a_discord_that_is_away_as_a_whole_and_comes_back_loses_nothing(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    await discord.until_says(HELLO)
    await discord.stop()
    while app.platforms["discord"] != "reconnecting":
        await asyncio.sleep(0.02)
    asked = discord.asks(ada, "did you miss me?")
    await discord.start()
    assert await settled(discord, asked) == [HELLO]
    assert app.platforms["discord"] == "connected"


async def test_a_connection_that_only_seems_to_be_there_is_given_up(
    settings: Settings, app: App
) -> None:
    async with (
        FakeDiscord(heartbeat_interval_s=0.5) as discord,
        bot_on(discord, pointed_at(discord, settings), app, silent_s=2.0),
    ):
        await asyncio.sleep(3)
        assert discord.gateway.resumed == 0  # heartbeats are answered: all is well
        discord.gateway.deaf = True
        assert await discord.world.until(lambda: discord.gateway.resumed > 0, 20)
        discord.gateway.deaf = False
        asked = discord.asks(discord.person("Ada"), "hi")
        assert await settled(discord, asked) == [HELLO]
        assert len(discord.gateway.identified) == 1


async def test_a_message_that_comes_again_with_a_resume_is_answered_once(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.pace_s = 0.3
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await discord.world.until(lambda: bool(model.questions), 5)
    discord.gateway.drop_sockets()
    assert await discord.world.until(lambda: discord.gateway.resumed == 1, 5)
    discord.redeliver(asked)
    assert await settled(discord, asked, 1.0) == [HELLO]
    assert len(model.questions) == 1


async def test_heartbeats_keep_the_bot_online(settings: Settings, app: App) -> None:
    async with (
        FakeDiscord(heartbeat_interval_s=0.4) as discord,  # silent for 0.8 s: closed
        bot_on(discord, pointed_at(discord, settings), app),
    ):
        await asyncio.sleep(2)
        assert discord.gateway.online
        assert discord.gateway.resumed == 0
        assert len(discord.gateway.identified) == 1


async def test_a_lost_connection_is_one_calm_line(
    settings: Settings, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    discord = FakeDiscord()
    await discord.start()
    async with bot_on(discord, pointed_at(discord, settings), app):
        await discord.stop()
        while "the connection to Discord is gone" not in caplog.text:
            await asyncio.sleep(0.05)
        assert app.platforms["discord"] == "reconnecting"
    assert "Traceback" not in caplog.text
