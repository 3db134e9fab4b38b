"""What people take back during a scene, by an edit, a deletion or a command, it does not know."""

from __future__ import annotations

import pytest

from bot.scene import FORGOTTEN
from bot.settings import Settings
from tests.bot.platforms.caught_up import all_caught_up, until_answered
from tests.bot.platforms.stage_scenes import plays, standing
from tests.fakes.discord import FakeDiscord, User
from tests.fakes.model import ModelServer, persona


@pytest.fixture
def settings(settings: Settings, model: ModelServer) -> Settings:
    model.personas = [persona("maya"), persona("tom")]
    model.words = ["the", " sea", "!"]
    return settings


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


async def test_lines_are_edited_and_deleted_in_a_scene_too(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    async with standing(discord, settings) as (_, app):
        plays(discord, ada)
        await discord.until_says("**Maya:** the sea!")
        (scene,) = app.scenes._playing.values()

        async def until_heard(*texts: str) -> None:
            def lines() -> list[str]:
                return [line.text for line in scene._lines[1:]]

            assert await discord.world.until(lambda: lines() == list(texts), 5), lines()

        first, second = discord.says(ada, "one"), discord.says(ada, "two")
        await until_heard("one", "two")
        discord.edits(first, "one and a half")
        discord.deletes(second)
        await until_heard("one and a half")


@pytest.mark.parametrize("command", ["memory forget", "chat reset"])
async def test_a_scene_ends_when_what_it_is_about_is_forgotten(
    discord: FakeDiscord, settings: Settings, ada: User, command: str
) -> None:
    async with standing(discord, settings):
        plays(discord, ada)
        await discord.until_says("**Maya:** the sea!")
        await discord.uses(ada, command).answer()
        await discord.until_says(f"-# {FORGOTTEN}")


async def test_what_was_said_in_a_scene_is_not_caught_up_as_missed(
    discord: FakeDiscord,
    settings: Settings,
    ada: User,
    model: ModelServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lively = discord.channel("lively")
    async with standing(discord, settings) as (_, app), all_caught_up(caplog):
        await app.places.change(f"discord:channel:{lively.id}", mode="always")
        plays(discord, ada, lively)
        await discord.until_says("**Maya:** the sea!", lively)
        (scene,) = app.scenes._playing.values()
        discord.says(ada, "how true", lively)
        assert await discord.world.until(lambda: len(scene._lines) == 2, 5)
        discord.gateway.invalidate(resumable=False)
        model.words = ["Hello", " there."]
        await until_answered(discord, discord.asks(ada, "did you miss me?"))
    assert "caught up: 1 messages" in caplog.text
    assert len(model.questions) == 2
