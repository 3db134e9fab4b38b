"""The fake Discord refuses what Discord refuses; spoken to here without any library's help."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.sessions import Close, Intent, Op

ALL_MESSAGES = int(Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES)


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


class Rest:
    def __init__(self, discord: FakeDiscord, session: aiohttp.ClientSession) -> None:
        self.discord = discord
        self.session = session

    async def __call__(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bot {token or self.discord.token}"}
        url = self.discord.api_url + path
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None, answer.headers

    async def send(self, **body: Any) -> tuple[int, Any, Any]:
        return await self("POST", f"/channels/{self.discord.general.id}/messages", body)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def rest(discord: FakeDiscord, session: aiohttp.ClientSession) -> Rest:
    return Rest(discord, session)


async def test_a_wrong_token_is_401(rest: Rest) -> None:
    status, body, _ = await rest("GET", "/users/@me", token="wrong")
    assert (status, body["message"]) == (401, "401: Unauthorized")


async def test_answers_have_exactly_the_content_type_of_discord(rest: Rest) -> None:
    _, _, headers = await rest("GET", "/users/@me")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": "  "}, 50006),
        ({}, 50006),
        ({"content": "hi", "nonce": "n" * 26}, 50035),
        ({"content": "hi", "flags": 1 << 6}, 50035),
        ({"content": "hi", "allowed_mentions": {"parse": ["friends"]}}, 50035),
        ({"content": "hi", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 50035),
        ({"content": "hi", "allowed_mentions": {"users": [str(n) for n in range(101)]}}, 50035),
        ({"content": "hi", "message_reference": {"message_id": "1"}}, 50035),
    ],
)
async def test_a_message_out_of_shape_is_refused_and_not_made(
    discord: FakeDiscord, rest: Rest, body: dict[str, Any], code: int
) -> None:
    status, answer, _ = await rest.send(**body)
    assert (status, answer["code"]) == (400, code)
    assert discord.seen() == []


async def test_a_field_that_discord_does_not_know_is_remembered(
    discord: FakeDiscord, rest: Rest
) -> None:
    status, _, _ = await rest.send(content="hi", contents="typo")
    assert status == 200
    assert discord.oddities == {"contents"}


async def test_an_enforced_nonce_makes_one_message_of_two_sends(
    discord: FakeDiscord, rest: Rest
) -> None:
    _, first, _ = await rest.send(content="hi", nonce="7", enforce_nonce=True)
    _, second, _ = await rest.send(content="hi", nonce="7", enforce_nonce=True)
    await rest.send(content="hi", nonce="7")
    assert first["id"] == second["id"]
    assert len(discord.seen()) == 2


async def test_without_allowed_mentions_a_message_pings_all_it_names(
    discord: FakeDiscord, rest: Rest
) -> None:
    ada = discord.person("Ada")
    await rest.send(content=f"hello {ada.mention}")
    assert discord.seen()[0].pinged == {ada.id}


async def test_only_the_author_edits_a_message(discord: FakeDiscord, rest: Rest) -> None:
    said = discord.says(discord.person("Ada"), "mine")
    path = f"/channels/{discord.general.id}/messages/{said.id}"
    status, body, _ = await rest("PATCH", path, {"content": "yours"})
    assert (status, body["code"]) == (403, 50005)
    assert said.content == "mine"


async def test_the_sixth_send_in_five_seconds_is_429_with_the_wait_in_it(
    discord: FakeDiscord, rest: Rest
) -> None:
    answers = [await rest.send(content="hi") for _ in range(6)]
    assert [status for status, _, _ in answers] == [200] * 5 + [429]
    left = [headers["X-RateLimit-Remaining"] for _, _, headers in answers[:5]]
    assert left == ["4", "3", "2", "1", "0"]
    _, body, headers = answers[5]
    assert 0 < body["retry_after"] <= 5
    assert body["global"] is False
    assert headers["Via"]
    assert len(discord.rate_limited) == 1
    assert len({headers["X-RateLimit-Bucket"] for _, _, headers in answers}) == 1


@pytest.mark.parametrize(
    "command",
    [
        {"name": "Upper", "description": "x"},
        {"name": "a b", "description": "x"},
        {"name": "x" * 33, "description": "x"},
        {"name": "x", "description": ""},
        {"name": "x", "description": "d" * 101},
        {
            "name": "x",
            "description": "x",
            "options": [
                {"type": 3, "name": "a", "description": "a"},
                {"type": 3, "name": "b", "description": "b", "required": True},
            ],
        },
    ],
)
async def test_a_command_out_of_shape_is_refused(
    discord: FakeDiscord, rest: Rest, command: dict[str, Any]
) -> None:
    path = f"/applications/{discord.application_id}/commands"
    status, body, _ = await rest("PUT", path, [command])
    assert (status, body["code"]) == (400, 50035)
    assert discord.commands.registered == []


async def with_one_command(discord: FakeDiscord, rest: Rest) -> Any:
    command = {"name": "hello", "description": "x", "options": []}
    await rest("PUT", f"/applications/{discord.application_id}/commands", [command])
    return discord.uses(discord.person("Ada"), "hello")


async def test_an_interaction_is_answered_once(discord: FakeDiscord, rest: Rest) -> None:
    used = await with_one_command(discord, rest)
    path = f"/interactions/{used.id}/{used.token}/callback"
    answer = {"type": 4, "data": {"content": "hi", "flags": 64}}
    assert (await rest("POST", path, answer))[0] == 204
    status, body, _ = await rest("POST", path, answer)
    assert (status, body["code"]) == (400, 40060)
    assert used.text == "hi"
    assert discord.seen() == []  # ephemeral: in nobody else's history


async def test_an_interaction_that_waited_too_long_is_unknown(
    discord: FakeDiscord, rest: Rest
) -> None:
    discord.interactions.acknowledge_within_s = 0
    used = await with_one_command(discord, rest)
    path = f"/interactions/{used.id}/{used.token}/callback"
    status, body, _ = await rest("POST", path, {"type": 4, "data": {"content": "hi"}})
    assert (status, body["code"]) == (404, 10062)


# -- the gateway ----------------------------------------------------------------------------


class Client:
    """A bot in a few lines: JSON without compression."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.closed_with: int | None = None

    async def receive(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=5)
        if message.type is not aiohttp.WSMsgType.TEXT:
            self.closed_with = self.socket.close_code
            return {}
        payload: dict[str, Any] = json.loads(message.data)
        return payload

    async def until(self, event: str) -> dict[str, Any]:
        while (payload := await self.receive()).get("t") != event:
            assert payload, f"closed with {self.closed_with} before {event}"
        return payload

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_json({"op": op, "d": data})


async def client_of(discord: FakeDiscord, session: aiohttp.ClientSession) -> Client:
    url = discord.gateway_url + "?v=10&encoding=json"
    client = Client(await session.ws_connect(url))
    assert (await client.receive())["op"] == Op.HELLO
    return client


def identity(discord: FakeDiscord, **more: Any) -> dict[str, Any]:
    return {"token": discord.token, "intents": ALL_MESSAGES, "properties": {}} | more


async def identified(discord: FakeDiscord, session: aiohttp.ClientSession, **more: Any) -> Client:
    client = await client_of(discord, session)
    await client.send(Op.IDENTIFY, identity(discord, **more))
    return client


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
