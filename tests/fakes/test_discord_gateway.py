"""The fake Discord's gateway, spoken to without any library's help."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.fakes.clients import client_of, identified, identity
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.sessions import Close, Intent, Op


async def test_a_heartbeat_is_acknowledged(
    discord: FakeDiscord, session: aiohttp.ClientSession
) -> None:
    client = await client_of(discord, session)
    await client.send(Op.HEARTBEAT, None)
    assert (await client.receive())["op"] == Op.HEARTBEAT_ACK


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (Op.IDENTIFY, {"token": "wrong", "intents": 1}, Close.AUTHENTICATION_FAILED),
        (Op.IDENTIFY, {"intents": None}, Close.INVALID_INTENTS),
        (Op.IDENTIFY, {"intents": 1 << 40}, Close.INVALID_INTENTS),
        (Op.IDENTIFY, {"intents": int(Intent.MESSAGE_CONTENT)}, Close.DISALLOWED_INTENTS),
        (Op.PRESENCE_UPDATE, {}, Close.NOT_AUTHENTICATED),
        (99, {}, Close.UNKNOWN_OPCODE),
    ],
)
async def test_a_wrong_word_closes_with_its_code(
    discord: FakeDiscord, session: aiohttp.ClientSession, op: int, data: Any, code: int
) -> None:
    discord.gateway.allowed_privileged = Intent(0)
    client = await client_of(discord, session)
    await client.send(op, identity(discord) | data)
    await client.receive()
    assert client.closed_with == code


async def test_a_bot_without_message_content_reads_only_what_is_meant_for_it(
    discord: FakeDiscord, session: aiohttp.ClientSession
) -> None:
    ada = discord.person("Ada")
    client = await identified(discord, session)
    await client.until("GUILD_CREATE")
    discord.says(ada, "a secret")
    discord.asks(ada, "for you")
    discord.says(ada, "also for you", discord.direct(ada))
    read = [(await client.until("MESSAGE_CREATE"))["d"]["content"] for _ in range(3)]
    assert read == ["", f"{discord.bot.mention} for you", "also for you"]


async def test_a_resume_replays_what_was_missed_in_order(
    discord: FakeDiscord, session: aiohttp.ClientSession
) -> None:
    client = await identified(discord, session)
    ready = await client.until("READY")
    seen = (await client.until("GUILD_CREATE"))["s"]
    discord.gateway.drop_sockets()
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    ada = discord.person("Ada")
    for text in ("one", "two"):
        discord.asks(ada, text)
    client = await client_of(discord, session)
    session_id = ready["d"]["session_id"]
    await client.send(Op.RESUME, {"token": discord.token, "session_id": session_id, "seq": seen})
    replayed = [await client.receive() for _ in range(3)]
    assert [one["t"] for one in replayed] == ["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]
    assert [one["s"] for one in replayed] == [seen + 1, seen + 2, seen + 3]


async def test_an_unknown_session_can_not_be_resumed(
    discord: FakeDiscord, session: aiohttp.ClientSession
) -> None:
    client = await client_of(discord, session)
    await client.send(Op.RESUME, {"token": discord.token, "session_id": "gone", "seq": 1})
    assert await client.receive() == {"op": Op.INVALID_SESSION, "d": False}


async def test_a_bot_without_heartbeats_is_closed() -> None:
    async with (
        FakeDiscord(heartbeat_interval_s=0.1) as discord,
        aiohttp.ClientSession() as session,
    ):
        client = await client_of(discord, session)
        await client.receive()
        assert client.closed_with == Close.SESSION_TIMED_OUT
