"""Three bots for the fake Discord: bare REST, a bare gateway, and the real discord.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord as discordpy

from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.sessions import Intent, Op

ALL_MESSAGES = int(Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES)


INTENTS = discordpy.Intents(guilds=True, guild_messages=True, dm_messages=True, webhooks=True)
INTENTS.message_content = True


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


class RealBot(discordpy.Client):
    """discord.py as it is; remembers every event it tells its user of."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("intents", INTENTS)
        super().__init__(guild_ready_timeout=0.1, **options)
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        self._news = asyncio.Event()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.told.append((event, args))
        self._news.set()
        super().dispatch(event, *args, **kwargs)

    async def hears(
        self, event: str, *, where: Callable[..., bool] = lambda *_: True, within_s: float = 5.0
    ) -> Any:
        """What came with the oldest such event not heard yet (its one argument, or all)."""
        async with asyncio.timeout(within_s):
            while True:
                for position, (name, args) in enumerate(self.told):
                    if name == event and where(*args):
                        del self.told[position]
                        return args[0] if len(args) == 1 else args
                self._news.clear()
                await self._news.wait()

    def place(self, channel: Any) -> Any:
        """A channel of the fake as discord.py knows it."""
        found = self.get_channel(int(channel.id))
        assert found is not None, f"discord.py knows no channel {channel.name!r}"
        return found


class RealShards(RealBot, discordpy.AutoShardedClient):
    """… with shards; waits `identify_every_s` between two of them, where discord.py waits 5 s."""

    def __init__(self, identify_every_s: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.identify_every_s = identify_every_s

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await asyncio.sleep(self.identify_every_s)


@asynccontextmanager
async def online(bot: RealBot, discord: FakeDiscord) -> AsyncIterator[None]:
    """discord.py must already be pointed at the fake (see conftest)."""
    running = asyncio.create_task(bot.start(discord.token))
    try:
        await bot.hears("ready")
        yield
    finally:
        await bot.close()
        await running
