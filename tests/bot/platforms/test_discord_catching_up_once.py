"""What was answered, or is in hand somewhere, is not answered once more by catching up."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.caught_up import (
    HELLO,
    all_caught_up,
    answered_once,
    claims,
    forgets_everything,
    until_answered,
)
from tests.bot.platforms.stage import bot_on
from tests.bot.platforms.stage_faces import said, until_said
from tests.fakes.discord import FakeDiscord, Permission, User
from tests.fakes.model import ModelServer


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.mark.parametrize("memory_is_lost", [False, True])
async def test_what_was_answered_is_known_by_memory_or_by_its_reply(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
    caplog: pytest.LogCaptureFixture,
    memory_is_lost: bool,
) -> None:
    async with bot_on(discord, settings, app):
        before = discord.asks(ada, "hi")
        await until_answered(discord, before)
    if memory_is_lost:
        await forgets_everything(app, discord.general)
    missed = discord.asks(discord.person("Bob"), "and me?")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert answered_once(discord, before)
    assert len(model.questions) == 2


async def test_an_answer_with_a_face_that_memory_has_lost_is_known_by_its_jump_line(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    async with bot_on(discord, settings, app):
        discord.asks(ada, "hi")
        before = await until_said(discord)
        assert before.webhook_id is not None
        await app.conversation.drain(0)  # remembered, too
    await forgets_everything(app, discord.general)
    model.words = ["Anew."]
    discord.asks(discord.person("Bob"), "and me?")
    async with wire(settings) as other, bot_on(discord, settings, other), all_caught_up(caplog):
        await until_said(discord, "Anew.")
    assert said(discord) == [("Maya", HELLO), ("Maya", "Anew.")]
    assert len(model.questions) == 2


async def test_half_an_answer_with_a_face_gives_way_with_all_its_messages(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    model.words = ["x" * 1500, " ", "y" * 1500]
    async with bot_on(discord, settings, app):
        asked = discord.asks(ada, "tell me a lot")
        assert await discord.world.until(lambda: len(discord.seen()) == 2, 8)
        await app.conversation.drain(0)
    await forgets_everything(app, discord.general)
    await claims(app, asked, lease_s=0)  # as if it had died in the middle of it
    model.words = [HELLO]
    async with wire(settings) as other, bot_on(discord, settings, other), all_caught_up(caplog):
        await until_said(discord)
    assert said(discord) == [("Maya", HELLO)]


async def test_two_processes_that_come_back_together_answer_once(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, ada: User
) -> None:
    rooms = [discord.channel(f"room-{number}") for number in range(4)]
    missed = [discord.asks(ada, "hi", room) for room in rooms]
    async with wire(settings) as other, AsyncExitStack() as running:
        for one in (app, other):
            await running.enter_async_context(bot_on(discord, settings, one))
        assert await discord.world.until(lambda: len(discord.gateway.identified) == 2, 10)
        await until_answered(discord, *missed)
        live = [discord.asks(ada, "and now", room) for room in rooms]
        await until_answered(discord, *missed, *live)
    assert len(model.questions) == 8


async def test_a_burst_that_was_missed_gets_one_answer(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, ada: User
) -> None:
    model.first_word_after_s = 0.5
    for text in ("wait", "I mean", "how are you?"):
        last = discord.asks(ada, text)
    async with bot_on(discord, settings, app):
        await until_answered(discord, last)
    assert len(discord.seen()) == 1


async def test_what_a_process_had_in_hand_when_it_died_is_answered_when_its_claim_runs_out(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    ada: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app.memory._lease_s = 1.5
    asked = discord.asks(ada, "hi")
    half = discord.messages.post(discord.bot, discord.general, "Hel", reply_to=asked)
    await claims(app, asked)
    began_s = time.monotonic()
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, asked)
        assert time.monotonic() - began_s > 1.0
    assert half.deleted  # else it would stand there twice, the first time cut off


async def test_what_is_in_hand_now_is_left_to_who_has_it(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
) -> None:
    model.first_word_after_s = 4
    app.memory._lease_s = 3
    asked = discord.asks(ada, "hi")
    async with wire(settings) as other:
        other.memory._lease_s = 3
        async with bot_on(discord, settings, other):
            assert await discord.world.until(lambda: bool(model.questions), 10)
            async with bot_on(discord, settings, app):
                await until_answered(discord, asked)
                await asyncio.sleep(1)
    assert len(model.questions) == 1
    assert answered_once(discord, asked)
