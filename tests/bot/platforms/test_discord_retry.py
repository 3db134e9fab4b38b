"""Retry under a failure, before and after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.pressed import (
    GONE,
    HELLO,
    NOT_YOURS,
    names,
    restarted,
    told,
    until_has,
    until_says,
)
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_memory import until_kept
from tests.fakes.discord import FakeDiscord, File, Message, User
from tests.fakes.model import Fault, ModelServer


async def failed(discord: FakeDiscord, model: ModelServer, person: User) -> Message:
    model.faults += [Fault(status=500)] * 4
    asked = discord.asks(person, "hi")
    (answer,) = await discord.final_answer(asked)
    assert names(answer) == ["Retry"]
    model.faults.clear()
    return answer


async def test_a_failure_has_a_retry_that_answers_in_the_same_message(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    answer = await failed(discord, model, ada)
    assert answer.content == "The model stumbled over that. Ask me again in a moment."
    assert await told(discord, discord.presses(bob, answer, "Retry")) == NOT_YOURS
    async with restarted(discord, settings, bot):
        asked = len(model.questions)
        for _ in range(2):
            discord.presses(ada, answer, "Retry")
        await until_says(discord, answer, HELLO)
        await until_has(discord, answer, "Again")
        assert len(model.questions) == asked + 1
    assert len(discord.seen()) == 1


async def test_a_retry_that_fails_as_well_can_be_tried_again(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await failed(discord, model, ada)
    model.faults += [Fault(status=400)]
    discord.presses(ada, answer, "Retry")
    await until_has(discord, answer)  # the model would not take it: trying again can't help
    assert "Say it shorter" in answer.content


async def test_a_retry_after_a_broken_stream_keeps_what_was_said_a_click_away(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.faults.append(Fault(after_words=2, cut=True))
    asked = discord.asks(ada, "hi")
    (answer,) = await discord.final_answer(asked)
    assert names(answer) == ["Retry"]
    discord.presses(ada, answer, "Retry")
    await until_says(discord, answer, HELLO)
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    discord.presses(ada, answer, "‹")
    await until_says(discord, answer, "Hello there")


async def test_a_wrong_key_is_nothing_to_retry(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    await discord.final_answer(discord.asks(ada, "hi"))
    model.faults.append(Fault(status=401))
    (answer,) = await discord.final_answer(discord.asks(ada, "hi"))
    assert "refuses my key" in answer.content
    assert names(answer) == []


async def test_what_memory_never_knew_is_taken_from_discord(
    discord: FakeDiscord, tmp_path: Path, settings: Settings, model: ModelServer, app: App
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    gone = settings.model_copy(
        update={"redis_url": SecretStr(f"unix://{tmp_path}/nothing"), "understudy_home": tmp_path}
    )
    async with wire(gone) as away, bot_on(discord, gone, away):
        (answer,) = await discord.final_answer(discord.asks(ada, "hi"))
        assert "can't reach my memory" in answer.content
        assert names(answer) == ["Retry"]
        pressed = discord.presses(ada, answer, "Retry")
        assert "can't reach my memory" in await told(discord, pressed)
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with bot_on(discord, settings, app):
        assert await told(discord, discord.presses(bob, answer, "Retry")) == NOT_YOURS
        model.pace_s = 0.1
        twice = [discord.presses(ada, answer, "Retry") for _ in range(2)]
        await until_says(discord, answer, HELLO)
        await until_has(discord, answer, "Again")
        assert len(model.questions) == 1
        assert await discord.world.until(lambda: sum(len(p.followups) for p in twice) == 1, 5)
        await until_kept(app, answer)
    assert len(discord.seen()) == 1


async def test_a_question_that_is_deleted_cant_be_retried(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await failed(discord, model, ada)
    question = next(one for one in discord.world.messages if one.id == answer.reply_to)
    discord.deletes(question)
    async with asyncio.timeout(5):
        while (await app.people.show(f"discord:{ada.id}")).messages:
            await asyncio.sleep(0.01)
    assert await told(discord, discord.presses(ada, answer, "Retry")) == GONE
    await until_has(discord, answer)


async def test_what_is_taken_from_discord_comes_with_its_files_and_the_roles_of_who_asks(
    discord: FakeDiscord, tmp_path: Path, settings: Settings, model: ModelServer, app: App
) -> None:
    ada, role = discord.person("Ada"), discord.role("Friends")
    discord.gives(ada, role)
    gone = settings.model_copy(
        update={"redis_url": SecretStr(f"unix://{tmp_path}/nothing"), "understudy_home": tmp_path}
    )
    async with wire(gone) as away, bot_on(discord, gone, away):
        asked = discord.says(
            ada, f"{discord.bot.mention} read this", files=[File("poem.txt", b"roses")]
        )
        (answer,) = await discord.final_answer(asked)
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    server = f"discord:server:{discord.world.guild.id}"
    await app.places.enlist(server, "allowed", f"discord:role:{role.id}")
    async with bot_on(discord, settings, app):
        discord.presses(ada, answer, "Retry")
        await until_says(discord, answer, HELLO)
    assert "roses" in model.questions[-1]["messages"][-1]["content"]
