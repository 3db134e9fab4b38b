"""What ends a scene before its time: limits, failures, the end of the process or of its channel."""

from __future__ import annotations

import pytest

from bot.scene import STOPPING
from bot.settings import Settings
from bot.wiring import wire
from tests.bot.platforms import stage_scenes as scenes
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_scenes import END, plays, quick, said, standing
from tests.fakes.discord import FakeDiscord, User
from tests.fakes.discord import Fault as DiscordFault
from tests.fakes.model import Fault, ModelServer

model, settings, app, ada = scenes.model, scenes.settings, scenes.app, scenes.ada


async def test_over_the_limit_no_scene_begins(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    async with standing(discord, settings, limit_messages_per_minute=1):
        discord.asks(ada, "hi")
        await discord.until_says("maya says 1.")
        used = plays(discord, ada)
        assert (await used.answer()).startswith("That was a lot at once.")
        assert used.ephemeral


async def test_the_limit_ends_a_scene_on_the_way(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    limited = settings.model_copy(update={"limit_messages_per_minute": 2})
    async with wire(limited) as wired, bot_on(discord, limited, quick(wired)):
        plays(discord, ada)
        start = "-# The scene ends here, on Ada's account. That was a lot at once."

        def ended() -> bool:
            return any(text.startswith(start) for text in said(discord))

        assert await discord.world.until(ended, 8)
        assert len(said(discord)) == 4


async def test_a_persona_that_fails_twice_ends_it(
    discord: FakeDiscord,
    model: ModelServer,
    bot: RunningBot,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.scene.FAILURE_PAUSE_SECONDS", 0.0)
    model.faults.extend([Fault(status=400)] * 2)
    plays(discord, ada)
    await discord.until_says(
        "-# The scene ends here, Maya can't go on: The model would not take that message."
        " Say it shorter, or differently."
    )


async def test_the_end_of_the_process_ends_it_with_a_sentence(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    async with standing(discord, settings) as (bot, _):
        plays(discord, ada)
        await discord.until_says("**Maya:** maya says 1.")
        await bot.stop()
    assert said(discord)[-1] == f"-# {STOPPING}"


async def test_a_deleted_channel_ends_it_and_frees_its_place(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    stage = discord.channel("stage")
    async with wire(settings) as wired:
        app = quick(wired, lambda _: 0.3)
        async with bot_on(discord, settings, app):
            plays(discord, ada, stage, turns=20)
            await discord.until_says("**Maya:** maya says 1.", stage)
            discord.deletes_channel(stage)
            where = f"discord:{stage.id}"
            assert await discord.world.until(lambda: app.scenes.at(where) is None, 8)


async def test_a_line_whose_answer_was_lost_is_there_once(
    discord: FakeDiscord, bot: RunningBot, ada: User
) -> None:
    fault = discord.breaks(DiscordFault("POST", "/channels/*/messages", "lost answer"))
    plays(discord, ada, turns=2)
    await discord.until_says(END)
    assert fault.seen
    assert said(discord).count("**Maya:** maya says 1.") == 1
