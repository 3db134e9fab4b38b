"""The end of an answer: of the model, of our own code, of the process."""

from __future__ import annotations

import asyncio

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, Script, bot_on, settled, speaking
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import Fault as ModelFault
from tests.fakes.model import ModelServer

HELLO = "Hello there."


async def test_a_model_that_dies_in_the_middle_leaves_its_words_and_a_reason(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.faults.append(ModelFault(after_words=2, cut=True))
    asked = discord.asks(discord.person("Ada"), "hi")
    (said,) = await settled(discord, asked)
    assert said.startswith("Hello there …\n(")


async def test_a_mistake_of_ours_is_told_and_logged(
    discord: FakeDiscord, settings: Settings, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(breaks=ZeroDivisionError("oops"))
    async with bot_on(discord, settings, speaking(app, script)):
        discord.asks(discord.person("Ada"), "hi")
        await discord.until_says("Something broke on my side.")
    assert "ZeroDivisionError" in caplog.text


async def test_stopping_lets_an_answer_finish_and_takes_no_new_message(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada = discord.person("Ada")
    drafts = [f"draft {number}" for number in range(10)]
    script = Script(drafts=drafts, ending="All said.", pause_s=0.15)
    async with bot_on(discord, settings, speaking(app, script)) as bot:
        asked = discord.asks(ada, "go on")
        assert await discord.world.until(lambda: bool(discord.seen()), 5)
        stopped = asyncio.create_task(bot.stop())
        await asyncio.sleep(0.1)
        discord.asks(ada, "and one more thing")
        await stopped
    assert [one.content for one in discord.answers(asked)] == ["All said."]
    assert len(script.heard) == 1
    assert not discord.gateway.online


async def test_an_answer_that_takes_too_long_to_finish_is_cut_off_with_its_tail(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    script = Script(drafts=["I was about to say much"], pause_s=30)
    async with bot_on(discord, settings, speaking(app, script), drain_s=0.3):
        asked = discord.asks(discord.person("Ada"), "go on")
        assert await discord.world.until(lambda: bool(discord.seen()), 5)
    assert [one.content for one in discord.answers(asked)] == ["I was about to say much (stopped)"]
