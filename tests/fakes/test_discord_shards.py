"""Shards, as the real discord.py client runs them, and the pace at which they may start."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.fakes.clients import RealShards, Rest, client_of, identity, online
from tests.fakes.discord import FakeDiscord, Guild, User
from tests.fakes.discord.sessions import Close, Op


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.fixture
def houses(discord: FakeDiscord) -> list[Guild]:
    """One on each of three shards."""
    return [discord.guild(f"House {number}", shard=(number, 3)) for number in range(3)]


@pytest.fixture
def quick(discord: FakeDiscord) -> None:
    discord.gateway.starts.shards = 3
    discord.gateway.starts.identify_every_s = 0.05


async def test_every_shard_has_its_servers_and_their_messages(
    discord: FakeDiscord, pointed: None, quick: None, houses: list[Guild], ada: User
) -> None:
    bot = RealShards(identify_every_s=0.06)
    async with online(bot, discord):
        assert discord.gateway.online_shards == {0, 1, 2}
        assert [one["shard"] for one in discord.gateway.identified] == [[0, 3], [1, 3], [2, 3]]
        shards = {one.name: one.shard_id for one in bot.guilds if one.name != "The Playhouse"}
        assert shards == {"House 0": 0, "House 1": 1, "House 2": 2}
        for house in houses:
            discord.says(ada, "hello", house.channels[0])
            heard = await bot.hears("message")
            assert heard.guild.name == house.name
            await heard.reply("hello yourself")
            await bot.hears("message", where=lambda one: one.author == bot.user)
        assert [name for name, _ in bot.told if name == "message"] == []


async def test_a_process_serves_only_its_range_of_shards(
    discord: FakeDiscord, pointed: None, quick: None, houses: list[Guild], ada: User
) -> None:
    bot = RealShards(identify_every_s=0.06, shard_ids=[1, 2], shard_count=3)
    async with online(bot, discord):
        names = {one.name for one in bot.guilds} - {"The Playhouse"}
        assert names == {"House 1", "House 2"}
        discord.says(ada, "not for you", houses[0].channels[0])
        discord.says(ada, "nor this", discord.direct(ada))
        discord.says(ada, "hello", houses[2].channels[0])
        assert (await bot.hears("message")).content == "hello"


async def test_direct_messages_and_a_new_server_find_their_shard(
    discord: FakeDiscord, pointed: None, quick: None, ada: User
) -> None:
    bot = RealShards(identify_every_s=0.06)
    async with online(bot, discord):
        discord.says(ada, "psst", discord.direct(ada))
        assert (await bot.hears("message")).guild is None
        discord.guild("Late", shard=(2, 3))
        assert (await bot.hears("guild_join")).shard_id == 2


async def test_each_event_is_told_to_one_shard(
    discord: FakeDiscord,
    session: aiohttp.ClientSession,
    quick: None,
    houses: list[Guild],
    ada: User,
) -> None:
    discord.gateway.starts.max_concurrency = 3
    clients = [await client_of(discord, session) for _ in houses]
    for number, client in enumerate(clients):
        await client.send(Op.IDENTIFY, identity(discord, shard=[number, 3]))
        ready = await client.until("READY")
        assert ready["d"]["shard"] == [number, 3]
        assert str(houses[number].id) in [one["id"] for one in ready["d"]["guilds"]]
    discord.says(ada, "hello", houses[1].channels[0])
    discord.says(ada, "psst", discord.direct(ada))
    seen = {session.shard: session.events for session in discord.gateway.sessions.values()}
    said = {
        shard: [one["d"]["channel_id"] for one in events if one["t"] == "MESSAGE_CREATE"]
        for shard, events in seen.items()
    }
    assert said == {0: [discord.direct(ada).id], 1: [houses[1].channels[0].id], 2: []}


async def identifies(discord: FakeDiscord, session: aiohttp.ClientSession, shard: Any) -> Any:
    client = await client_of(discord, session)
    await client.send(Op.IDENTIFY, identity(discord, shard=shard))
    return await client.receive() or client.closed_with


async def test_a_bucket_takes_one_identify_at_a_time(
    discord: FakeDiscord, session: aiohttp.ClientSession
) -> None:
    discord.gateway.starts.max_concurrency = 2
    discord.gateway.starts.identify_every_s = 0.3
    answers = [await identifies(discord, session, [shard, 4]) for shard in range(4)]
    assert [one["op"] for one in answers] == [Op.DISPATCH] * 2 + [Op.INVALID_SESSION] * 2
    assert answers[2]["d"] is False
    await asyncio.sleep(0.3)
    assert (await identifies(discord, session, [2, 4]))["t"] == "READY"
    assert len(discord.gateway.identified) == 3


async def test_the_real_client_comes_through_a_start_too_early(
    discord: FakeDiscord, pointed: None, quick: None
) -> None:
    discord.gateway.starts.identify_every_s = 0.3
    bot = RealShards(identify_every_s=0.2)  # too quick: some are refused and try again
    async with online(bot, discord):
        assert discord.gateway.online_shards == {0, 1, 2}
    assert len(discord.gateway.identified) == 3


@pytest.mark.parametrize("shard", [[3, 3], [-1, 3], [0], "0/3"])
async def test_a_shard_that_is_none_is_refused(
    discord: FakeDiscord, session: aiohttp.ClientSession, shard: Any
) -> None:
    assert await identifies(discord, session, shard) == Close.INVALID_SHARD


async def test_the_gateway_names_shards_and_what_is_left_of_starts(
    discord: FakeDiscord, rest: Rest, session: aiohttp.ClientSession
) -> None:
    discord.gateway.starts.shards = 4
    discord.gateway.starts.max_concurrency = 16
    await identifies(discord, session, [0, 4])
    _, body, _ = await rest("GET", "/gateway/bot")
    assert (body["url"], body["shards"]) == (discord.gateway_url, 4)
    assert body["session_start_limit"]["remaining"] == 999
    assert body["session_start_limit"]["max_concurrency"] == 16
    assert (await rest("GET", "/gateway", token="none is needed"))[1] == {"url": body["url"]}
