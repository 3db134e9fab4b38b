"""Slash commands: who sees them, what they answer, and when Discord is told about them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.fakes.discord import FakeDiscord, File
from tests.fakes.model import ModelServer

ROLLED = {"persona": "maya", "version": 4, "previous": 3, "seconds": 2.0}


# -- /admin ---------------------------------------------------------------------------------


async def test_an_administrator_reloads_a_persona_and_sees_the_outcome(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.admin_answer = (200, ROLLED)
    used = discord.uses(discord.world.owner, "admin reload", persona="maya")
    outcome = "maya speaks with version 4 now (before: version 3). It took 2.0 s."
    assert await used.answer() == outcome
    assert used.ephemeral
    assert "POST /admin/personas/maya/reload" in model.asked


async def test_a_reload_that_takes_long_is_acknowledged_in_time(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    discord.interactions.acknowledge_within_s = 0.5
    model.admin_answer, model.admin_delay_s = (200, ROLLED), 1.0
    used = discord.uses(discord.world.owner, "admin reload", persona="maya")
    began_s = time.monotonic()
    assert (await used.answer()).startswith("maya speaks with version 4")
    assert time.monotonic() - began_s >= 1.0
    assert used.deferred
    assert used.acknowledged_after_s is not None
    assert used.acknowledged_after_s < 0.5


async def test_a_reload_that_fails_shows_step_and_reason(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.admin_answer = (422, {"step": "validate", "reason": "made for another base"})
    used = discord.uses(discord.world.owner, "admin reload", persona="maya")
    text = await used.answer()
    assert "validate" in text
    assert "made for another base" in text
    assert "stays as before" in text


async def test_a_reload_beside_another_one_is_told_so(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.admin_answer = (409, {"error": {"message": "busy"}, "state": "loading"})
    used = discord.uses(discord.world.owner, "admin reload", persona="maya")
    assert await used.answer() == "Another rollout of maya is running. Wait until it is done."


async def test_admin_commands_are_shown_to_administrators_only(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada, boss = discord.person("Ada"), discord.person("Boss", administrator=True)
    with pytest.raises(PermissionError):
        discord.uses(ada, "admin reload", persona="maya")
    with pytest.raises(PermissionError):  # nobody is an administrator in direct messages
        discord.uses(boss, "admin reload", discord.direct(boss), persona="maya")


async def test_a_forged_admin_command_is_refused_and_reaches_nobody(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    used = discord.uses(discord.person("Ada"), "admin reload", forged=True, persona="maya")
    assert await used.answer() == "Only people who may manage this server can do that."
    assert used.ephemeral
    assert not any("/admin/" in asked for asked in model.asked)


async def test_no_admin_command_obeys_people_without_the_permission(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    values = {3: "maya", 4: 1, 5: True, 6: ada, 7: discord.general, 10: 1.0, 11: File("x", b"{}")}
    for path, command in _leaves("admin", discord.commands.find("admin")[0]):
        needed = [one for one in command.get("options", []) if one.get("required")]
        options = {one["name"]: values[one["type"]] for one in needed}
        used = discord.uses(ada, path, forged=True, **options)
        assert await used.answer() == "Only people who may manage this server can do that.", path
    assert not any("/admin/" in asked for asked in model.asked)


def _leaves(path: str, command: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    inner = [one for one in command.get("options", []) if one["type"] in (1, 2)]
    if not inner:
        yield path, command
    for one in inner:
        yield from _leaves(f"{path} {one['name']}", one)


async def test_a_reload_offers_names_to_administrators(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    owner = discord.world.owner
    assert await discord.autocompletes(owner, "admin reload", persona="may") == ["maya"]


# -- telling Discord ------------------------------------------------------------------------


async def test_commands_are_told_once_and_not_again_while_they_are_the_same(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    for _ in range(2):
        async with bot_on(discord, settings, app):
            assert {one["name"] for one in discord.commands.registered} == {
                "persona",
                "chat",
                "memory",
                "admin",
                "limits",
                "compare",
                "scene",
                "Ask the persona about this",
            }
        assert await discord.world.until(lambda: not discord.gateway.online, 5)
    assert discord.commands.overwrites == 1


async def test_commands_that_changed_are_told_again(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    async with bot_on(discord, settings, app):
        pass
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    discord.commands.registered[0]["description"] = "An older description"
    async with bot_on(discord, settings, app):
        pass
    assert discord.commands.overwrites == 2
    assert discord.commands.registered[0]["description"] != "An older description"


async def test_an_unknown_command_of_an_older_bot_is_answered(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    old = {"id": "1", "name": "old", "type": 1, "options": []}
    discord.commands.registered.append(old)
    used = discord.uses(discord.person("Ada"), "old")
    assert "don't know that command" in await used.answer()
    assert used.ephemeral


async def test_a_command_answered_too_late_harms_nobody(
    discord: FakeDiscord, bot: RunningBot, caplog: pytest.LogCaptureFixture
) -> None:
    discord.interactions.acknowledge_within_s = 0
    used = discord.uses(discord.person("Ada"), "persona list")
    with pytest.raises(AssertionError, match="did not respond"):
        await used.answer(within_s=0.5)
    discord.asks(discord.person("Bee"), "hi")
    await discord.until_says("Hello there.")
    await asyncio.sleep(0)
    assert "could not be told" in caplog.text
