"""Several connections, in one process and in several: all of them served, each message once."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.errors import WrongSettings
from bot.health import STARTING
from bot.platforms import discord as platform
from bot.platforms.discord.errors import DiscordRefuses, WrongToken
from bot.platforms.discord.shards import Pace, Presence, Share, share_of
from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.stage import bot_on
from tests.fakes.discord import FakeDiscord, Fault, Guild, Message, User
from tests.fakes.model import ModelServer

HELLO = "Hello there."


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.fixture
def houses(discord: FakeDiscord, ada: User) -> list[Guild]:
    """A server on each of three shards, which may all begin at once."""
    discord.gateway.starts.shards = discord.gateway.starts.max_concurrency = 3
    houses = [discord.guild(f"House {number}", shard=(number, 3)) for number in range(3)]
    for house in houses:
        discord.joins(ada, house)
    return houses


class Words(dict[str, str]):
    """The health page's words, all that were ever said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def __setitem__(self, platform: str, word: str) -> None:
        super().__setitem__(platform, word)
        self.said.append(word)


def part(settings: Settings, shards: str) -> Settings:
    return settings.model_copy(update={"discord_shards": shards})


async def until_shards(discord: FakeDiscord, *shards: int) -> None:
    online = discord.gateway
    assert await discord.world.until(lambda: online.online_shards == set(shards), 20), (
        online.online_shards
    )


async def until_each_has_one_answer(discord: FakeDiscord, *asked: Message) -> None:
    def answers(to: Message) -> list[str]:
        return [one.content for one in discord.seen(to.channel) if one.reply_to == to.id]

    assert await discord.world.until(lambda: all(answers(one) == [HELLO] for one in asked), 20)


# -- this process's part ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "share"),
    [
        (None, None),
        ("0-3/16", Share((0, 1, 2, 3), 16)),
        (" 4/16 ", Share((4,), 16)),
        ("0/1", Share((0,), 1)),
    ],
)
def test_a_part_is_a_range_of_how_many(setting: str | None, share: Share | None) -> None:
    assert share_of(setting) == share


@pytest.mark.parametrize(
    "setting", ["", "16", "0-3", "3-0/16", "0-16/16", "16/16", "-1/16", "0-3/0", "a-b/c", "1" * 99]
)
async def test_nonsense_is_a_sentence_with_an_example(
    settings: Settings, app: App, setting: str
) -> None:
    with pytest.raises(WrongSettings) as caught:
        await platform.run(part(settings, setting), app, asyncio.Event())
    assert "DISCORD_SHARDS" in caught.value.spoken
    assert "0-3/16" in caught.value.spoken
    assert len(caught.value.spoken) < 400


async def test_as_many_shards_as_discord_recommends_are_connected(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, houses: list[Guild]
) -> None:
    async with bot_on(discord, settings, app):
        await until_shards(discord, 0, 1, 2)
        here = [*(house.channels[0] for house in houses), discord.direct(ada)]
        await until_each_has_one_answer(discord, *(discord.asks(ada, "hi", one) for one in here))
        assert app.platforms["discord"] == "connected"


async def test_processes_share_the_servers_and_each_message_is_answered_once(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
    houses: list[Guild],
) -> None:
    async with wire(settings) as other, AsyncExitStack() as running:
        for one, shards in ((app, "0/3"), (other, "1-2/3")):
            await running.enter_async_context(bot_on(discord, part(settings, shards), one))
        await until_shards(discord, 0, 1, 2)
        here = [*(house.channels[0] for house in houses), discord.direct(ada)]
        await until_each_has_one_answer(discord, *(discord.asks(ada, "hi", one) for one in here))
    assert len(model.questions) == len(here)
    assert len(discord.requests("PUT", "/commands")) == 1  # by who has the first shard


async def test_two_processes_with_the_same_shard_answer_once_whoever_is_told_twice(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, ada: User
) -> None:
    async with wire(settings) as other, AsyncExitStack() as running:
        for one in (app, other):
            await running.enter_async_context(bot_on(discord, part(settings, "0/1"), one))
        assert await discord.world.until(lambda: len(discord.gateway.identified) == 2, 10)
        rooms = [discord.channel(f"room-{number}") for number in range(5)]
        asked = [discord.asks(ada, "hi", room) for room in rooms]
        for one in asked:
            discord.redeliver(one)
        await until_each_has_one_answer(discord, *asked)
        for one in asked:
            discord.redeliver(one)
        await until_each_has_one_answer(discord, *asked, discord.asks(ada, "and now"))
    assert len(model.questions) == len(asked) + 1


# -- how they begin ---------------------------------------------------------------------------


async def test_who_begins_too_early_beside_another_process_comes_again(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, houses: list[Guild]
) -> None:
    discord.gateway.starts.max_concurrency = 1
    discord.gateway.starts.identify_every_s = 4.0
    async with wire(settings) as other, AsyncExitStack() as running:
        for one, shards in ((app, "0/2"), (other, "1/2")):
            await running.enter_async_context(bot_on(discord, part(settings, shards), one))
        await until_shards(discord, 0, 1)
        await until_each_has_one_answer(
            discord, *(discord.asks(ada, "hi", house.channels[0]) for house in houses)
        )
    assert (discord.gateway.starts.used, discord.gateway.starts.refused) == (2, 1)


async def test_shards_of_one_bucket_begin_one_after_the_other() -> None:
    pace, began_s = Pace(every_s=0.5), time.monotonic()
    pace.at_once = 2
    for shard in range(4):  # 0 and 1, then 2 and 3
        await pace.wait(shard)
    assert 0.5 <= time.monotonic() - began_s < 1.4


async def test_a_session_that_became_invalid_is_not_begun_anew_at_once() -> None:
    pace = Pace(every_s=0.2)
    await pace.wait(0)
    await asyncio.sleep(0.3)
    began_s = time.monotonic()
    await pace.wait(0)
    assert time.monotonic() - began_s >= 0.2


async def test_a_gateway_that_discord_does_not_name_is_a_sentence(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    discord.breaks(Fault("GET", "/gateway/bot", status=403, body={"code": 0, "message": "no"}))
    with pytest.raises(DiscordRefuses, match="gateway"):
        await asyncio.wait_for(platform.run(settings, app, asyncio.Event()), 20)


# -- which of them are there ------------------------------------------------------------------


def test_the_word_is_connected_only_when_all_shards_are() -> None:
    words: list[str] = []
    presence = Presence(words.append)
    presence.expect(range(3))
    for shard in range(3):
        presence.came(shard)
    presence.went(2)
    presence.went(0)
    presence.came(2)
    presence.came(0)
    assert words == [
        STARTING,
        STARTING,
        "connected",
        "reconnecting (shard 2)",
        "reconnecting (shards 0, 2)",
        "reconnecting (shard 0)",
        "connected",
    ]


async def test_health_names_the_shard_that_is_away(
    discord: FakeDiscord, settings: Settings, app: App, houses: list[Guild]
) -> None:
    words = Words()
    async with bot_on(discord, settings, replace(app, platforms=words)):
        await until_word(words, "connected")
        (away,) = (one for one in discord.gateway.sessions.values() if one.shard == 2)
        assert away.connection is not None
        away.connection.drop()
        await until_word(words, "reconnecting (shard 2)")
        await until_word(words, "connected", times=2)
    assert STARTING in words.said


async def until_word(words: Words, word: str, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while words.said.count(word) < times:
            await asyncio.sleep(0.02)


async def test_a_token_revoked_for_one_shard_ends_the_run_with_its_sentence(
    discord: FakeDiscord, settings: Settings, app: App, houses: list[Guild]
) -> None:
    running = asyncio.create_task(platform.run(settings, app, asyncio.Event()))
    await until_shards(discord, 0, 1, 2)
    (shard,) = (one for one in discord.gateway.sessions.values() if one.shard == 1)
    assert shard.connection is not None
    shard.connection.close(4004)
    with pytest.raises(WrongToken):
        await asyncio.wait_for(running, 20)
    assert not discord.gateway.online
