"""/admin channels: mention, always, off; and which places a message comes with."""

from __future__ import annotations

import pytest
from discord import Permissions

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import (
    RunningBot,
    Script,
    bot_on,
    lets,
    settled,
    speaking,
    thread_in,
)
from tests.fakes.discord import Channel, FakeDiscord
from tests.fakes.model import ModelServer

HELLO = "Hello there."


async def set_mode(discord: FakeDiscord, mode: str, where: Channel | None = None) -> str:
    return await discord.uses(discord.world.owner, "admin channels", where, mode=mode).answer()


async def test_in_always_channels_every_persons_message_is_answered_and_no_bots(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, robot = discord.person("Ada"), discord.person("Robot", bot=True)
    elsewhere = discord.channel("elsewhere")
    thread = thread_in(discord, discord.general)
    assert await set_mode(discord, "always") == (
        f"I answer everything that people say in <#{discord.general.id}>."
    )
    discord.says(robot, "beep")
    discord.asks(robot, "beep beep")
    discord.says(ada, "hook", webhook_id="77")
    discord.says(ada, "not here", elsewhere)
    discord.says(ada, "lovely weather")
    discord.says(ada, "in here, too", thread)
    await discord.until_says(HELLO)
    await discord.until_says(HELLO, thread)
    heard = {q["messages"][-1]["content"].splitlines()[-1] for q in model.questions}
    assert heard == {"Ada: lovely weather", "Ada: in here, too"}


async def test_in_off_channels_nobody_is_answered_until_it_is_mention_again(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    thread = thread_in(discord, discord.general)
    await set_mode(discord, "off")
    discord.asks(ada, "hello?")
    discord.asks(ada, "hello?", thread)
    discord.asks(ada, "hello?", elsewhere)
    await discord.until_says(HELLO, elsewhere)
    assert discord.seen(thread) == []
    assert await set_mode(discord, "mention", thread) == (  # a thread is its channel's
        f"I answer in <#{discord.general.id}> when somebody mentions me or replies to me."
    )
    discord.says(ada, "not for you")
    asked = discord.asks(ada, "and now?")
    assert await settled(discord, asked) == [HELLO]
    assert len(model.questions) == 2


async def test_another_channel_can_be_named_and_a_mode_looked_at(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    owner, elsewhere = discord.world.owner, discord.channel("elsewhere")
    used = discord.uses(owner, "admin channels", mode="off", channel=elsewhere)
    assert await used.answer() == f"I answer nobody in <#{elsewhere.id}>."
    assert used.ephemeral
    looked = discord.uses(owner, "admin channels", elsewhere)
    assert await looked.answer() == f"I answer nobody in <#{elsewhere.id}>."
    assert "when somebody mentions me" in await discord.uses(owner, "admin channels").answer()


async def test_a_mode_is_chosen_by_those_who_may_manage_the_server(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada, manager = discord.person("Ada"), discord.person("Max")
    lets(discord, manager, Permissions(manage_guild=True))
    with pytest.raises(PermissionError):
        discord.uses(ada, "admin channels", mode="always")
    used = discord.uses(ada, "admin channels", forged=True, mode="always")
    assert await used.answer() == "Only people who may manage this server can do that."
    assert "mentions me" in await discord.uses(manager, "admin channels").answer()
    assert "everything" in await discord.uses(manager, "admin channels", mode="always").answer()


async def test_a_mode_outlives_the_bot(discord: FakeDiscord, settings: Settings, app: App) -> None:
    ada = discord.person("Ada")
    async with bot_on(discord, settings, app):
        await set_mode(discord, "always")
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with bot_on(discord, settings, app):
        discord.says(ada, "still there?")
        await discord.until_says(HELLO)


async def test_direct_messages_are_answered_whatever_servers_choose(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    await app.places.change(f"discord:server:{discord.world.guild.id}", mode="off")
    discord.says(ada, "hi", discord.direct(ada))
    await discord.until_says(HELLO, discord.direct(ada))
    assert discord.seen() == []


async def test_a_message_comes_with_its_channel_and_server(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = discord.person("Ada"), Script()
    async with bot_on(discord, settings, speaking(app, script)):
        thread = thread_in(discord, discord.general)
        for channel in (discord.general, thread, discord.direct(ada)):
            discord.asks(ada, "hi", channel)
            await discord.until_says(script.ending, channel)
    server, channel = f"discord:server:{discord.world.guild.id}", discord.general.id
    around = (f"discord:channel:{channel}", server)
    assert [incoming.places for incoming in script.heard] == [around, around, ()]
    assert script.heard[1].conversation == f"discord:{thread.id}"


async def test_a_burst_keeps_its_order_although_its_channel_was_never_seen(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = discord.person("Ada"), Script()
    async with bot_on(discord, settings, speaking(app, script)):
        for number in range(20):
            discord.asks(ada, str(number))
        assert await discord.world.until(lambda: len(script.heard) == 20, 5)
    assert [incoming.text for incoming in script.heard] == [str(number) for number in range(20)]
