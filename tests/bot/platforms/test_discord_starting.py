"""What an owner reads when Discord can't start, and which server is spoken to."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from pydantic import SecretStr

import bot
from bot.errors import CannotStart, WrongSettings
from bot.platforms import discord as platform
from bot.platforms.discord.errors import (
    DiscordRefuses,
    DiscordUnreachable,
    MissingIntent,
    WrongToken,
)
from bot.platforms.discord.inviting import application_of, invite_link
from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import bot_on, pointed_at
from tests.fakes.discord import FakeDiscord, Fault
from tests.fakes.discord.sessions import Intent
from tests.fakes.model import KEY, ModelServer


async def failing(settings: Settings, app: App) -> CannotStart:
    with pytest.raises(CannotStart) as caught:
        await asyncio.wait_for(platform.run(settings, app, asyncio.Event()), 10)
    return caught.value


async def test_a_wrong_token_is_one_sentence(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    wrong = pointed_at(discord, settings, discord_token=SecretStr("wrong"))
    error = await failing(wrong, app)
    assert isinstance(error, WrongToken)
    assert "DISCORD_TOKEN" in error.spoken
    assert "wrong" not in error.spoken


async def test_a_token_revoked_while_the_bot_runs_is_the_same_sentence(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    running = asyncio.create_task(platform.run(settings, app, asyncio.Event()))
    await discord.until_online()
    discord.gateway.close_sockets(4004)
    with pytest.raises(WrongToken):
        await asyncio.wait_for(running, 10)


async def test_a_missing_intent_names_the_switch_in_the_portal(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    discord.gateway.allowed_privileged = Intent(0)
    error = await failing(settings, app)
    assert isinstance(error, MissingIntent)
    assert "Message Content Intent" in error.spoken


async def test_only_the_intents_that_are_needed_are_asked_for(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    discord.gateway.allowed_privileged = Intent.MESSAGE_CONTENT
    async with bot_on(discord, settings, app):
        (identify,) = discord.gateway.identified
    wanted = Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES
    wanted |= Intent.GUILD_WEBHOOKS | Intent.MESSAGE_CONTENT
    assert identify["intents"] == wanted


async def test_a_discord_that_is_not_there_is_named(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    nowhere = settings.model_copy(update={"discord_api_url": "http://127.0.0.1:9/api/v10"})
    error = await failing(nowhere, app)
    assert isinstance(error, DiscordUnreachable)
    assert "http://127.0.0.1:9/api/v10" in error.spoken


async def test_a_discord_that_refuses_says_with_what(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    discord.breaks(Fault("GET", "/users/@me", "blocked", retry_after_s=60))
    error = await failing(settings, app)
    assert isinstance(error, DiscordRefuses)
    assert "429" in error.spoken


async def test_an_address_without_its_scheme_is_a_wrong_setting(
    settings: Settings, app: App
) -> None:
    here = settings.model_copy(update={"discord_api_url": "discord.example/api/v10"})
    error = await failing(here, app)
    assert isinstance(error, WrongSettings)
    assert "DISCORD_API_URL" in error.spoken


async def test_another_server_is_spoken_to_only_while_the_bot_runs(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    async with bot_on(discord, settings, app):
        assert discord.api_url == Route.BASE
    assert before == (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY)


async def test_without_a_gateway_address_the_api_is_asked_for_it(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    # Else the other server's token would be shown to Discord itself.
    here = settings.model_copy(
        update={"discord_api_url": discord.api_url + "/", "discord_gateway_url": None}
    )
    async with bot_on(discord, here, app):
        assert discord.gateway.online
    assert discord.requests("GET", "/gateway/bot")


async def test_a_bot_in_no_server_says_how_to_invite_it(
    discord: FakeDiscord, settings: Settings, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    discord.gateway.invited = False
    async with bot_on(discord, settings, app):
        link = invite_link(int(discord.application_id))
        assert await discord.world.until(lambda: link in caplog.text, 10)


def test_an_invitation_asks_for_the_scopes_and_the_permissions_it_needs() -> None:
    assert invite_link(42) == (
        "https://discord.com/oauth2/authorize"
        "?client_id=42&scope=bot+applications.commands&permissions=309774584832"
    )


@pytest.mark.parametrize(
    ("token", "application"),
    [
        ("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", 198622483471925248),
        ("not a token", None),
        ("bm8.no.no", None),
        ("", None),
    ],
)
def test_the_application_is_read_from_its_token(token: str, application: int | None) -> None:
    assert application_of(token) == application


async def test_health_follows_the_connection(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    async with bot_on(discord, settings, app):
        discord.asks(discord.person("Ada"), "hi")
        await discord.until_says("Hello there.")
        assert app.platforms["discord"] == "connected"


async def test_the_process_ends_with_status_one_and_the_sentence_alone(
    discord: FakeDiscord, settings: Settings, tmp_path: Path
) -> None:
    process = await started(discord, settings, tmp_path, DISCORD_TOKEN="not-the-token")
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert errors.decode().splitlines()[-1] == WrongToken.spoken
    assert "Traceback" not in errors.decode()
    assert "not-the-token" not in errors.decode()


async def test_sigterm_lets_the_process_finish_its_answer(
    discord: FakeDiscord, settings: Settings, model: ModelServer, tmp_path: Path
) -> None:
    model.words, model.pace_s = [f" {number}" for number in range(20)], 0.1
    process = await started(discord, settings, tmp_path)
    await discord.until_online(30)
    asked = discord.asks(discord.person("Ada"), "count")
    assert await discord.world.until(lambda: bool(discord.answers(asked)), 10)
    process.terminate()
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert [one.content for one in discord.answers(asked)] == ["".join(model.words).strip()]
    assert "Traceback" not in errors.decode()
    assert discord.token not in errors.decode()


async def started(
    discord: FakeDiscord, settings: Settings, folder: Path, **more: str
) -> asyncio.subprocess.Process:
    """The bot as a process of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(bot.__file__).parent.parent),
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "UNDERSTUDY_HOME": str(settings.understudy_home),
        "INFERENCE_URL": settings.inference_url,
        "INFERENCE_API_KEY": KEY,
        **more,
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"), env=environment, cwd=folder, stderr=asyncio.subprocess.PIPE
    )
