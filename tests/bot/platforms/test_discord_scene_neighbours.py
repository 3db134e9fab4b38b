"""Scenes while people use other commands, or the connection is lost."""

from __future__ import annotations

import pytest

from bot.scene import FORGOTTEN
from bot.settings import Settings
from tests.bot.platforms import stage_scenes as scenes
from tests.bot.platforms.stage_scenes import plays, said, standing
from tests.fakes.discord import FakeDiscord, Permission, User
from tests.fakes.model import ModelServer

FIRST = "**Maya:** maya says 1."
model, settings, ada = scenes.model, scenes.settings, scenes.ada


@pytest.mark.parametrize("who", ["starter", "moderator"])
async def test_chat_stop_stops_the_scene(
    discord: FakeDiscord, settings: Settings, ada: User, who: str
) -> None:
    stopping = ada if who == "starter" else discord.person("Mod")
    if who == "moderator":
        discord.gives(stopping, discord.role("Mods", Permission.MANAGE_MESSAGES))
    async with standing(discord, settings):
        plays(discord, ada)
        await discord.until_says(FIRST)
        assert await discord.uses(stopping, "chat stop").answer() == "Stopped the scene."
        await discord.until_says(f"-# {stopping.display_name} stopped the scene.")


async def test_others_scenes_go_on(discord: FakeDiscord, settings: Settings, ada: User) -> None:
    async with standing(discord, settings) as (_, app):
        plays(discord, ada)
        await discord.until_says(FIRST)
        used = discord.uses(discord.person("Ben"), "chat stop")
        assert await used.answer() == "I am saying nothing to you here right now."
        assert app.scenes.at(f"discord:{discord.general.id}") is not None


async def test_who_is_forgotten_is_forgotten_by_a_scene_too(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    ben = discord.person("Ben")
    async with standing(discord, settings) as (_, app):
        plays(discord, ada)
        await discord.until_says(FIRST)
        scene = app.scenes.at(f"discord:{discord.general.id}")
        assert scene is not None
        discord.says(ben, "I have a secret")
        assert await discord.world.until(lambda: len(scene._lines) == 2, 5)
        await discord.uses(ben, "memory forget").answer()
        assert [line.author_name for line in scene._lines] == ["Maya"]
        await discord.uses(ada, "memory forget").answer()
        await discord.until_says(f"-# {FORGOTTEN}")


async def test_what_was_said_to_a_scene_is_not_caught_up_as_if_it_had_been_missed(
    discord: FakeDiscord,
    model: ModelServer,
    settings: Settings,
    ada: User,
) -> None:
    async with standing(discord, settings) as (_, app):
        await app.places.change(f"discord:channel:{discord.general.id}", mode="always")
        plays(discord, ada)
        await discord.until_says(FIRST)
        scene = app.scenes.at(f"discord:{discord.general.id}")
        assert scene is not None
        discord.says(ada, "lovely")
        assert await discord.world.until(lambda: len(scene._lines) == 2, 5)
        await discord.uses(ada, "chat stop").answer()
        await discord.until_says("-# Ada stopped the scene.")
        discord.gateway.invalidate(resumable=False)
        missed = discord.asks(discord.person("Ben"), "and you?")
        await discord.until_says("maya says 2.")
        assert [one.reply_to for one in discord.seen() if one.reply_to] == [missed.id]
        assert said(discord)[1:] == [FIRST, "-# Ada stopped the scene.", "maya says 2."]
