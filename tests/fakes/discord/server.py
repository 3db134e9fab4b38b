"""The fake Discord: one server, and the gate that every REST request passes."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from tests.fakes.discord import payloads, routes
from tests.fakes.discord.answers import json_answer
from tests.fakes.discord.bodies import carried
from tests.fakes.discord.commands import Commands
from tests.fakes.discord.errors import (
    ApiError,
    missing_access,
    unauthorized,
    unknown_member,
    unknown_route,
)
from tests.fakes.discord.faults import Fault, Sent, cut
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.limits import VIA, Limits, headers, too_many
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.moderators import Moderators
from tests.fakes.discord.people import People
from tests.fakes.discord.pressing import Pressing
from tests.fakes.discord.routes import Handler, Route
from tests.fakes.discord.threads import Threads
from tests.fakes.discord.webhooks import Webhooks
from tests.fakes.discord.world import World

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.fake.token-of-the-fake-discord"
BASE = "/api/v10"
MAX_REQUEST_BYTES = 25 * 2**20


class FakeDiscord(People, Pressing, Moderators):
    """Start it, point a bot at `api_url` and `gateway_url` with `token`, and be its people.

    `sent` has every REST request with its time, `rate_limited` every true 429 (those a fault
    asked for are not in it), `oddities` the fields Discord would have ignored.
    """

    def __init__(self, *, token: str = TOKEN, heartbeat_interval_s: float = 41.25) -> None:
        world = World()
        application_id = world.bot.id
        gateway = Gateway(world, token, heartbeat_interval_s)
        gateway.application_id = application_id
        messages = Messages(world, gateway)
        super().__init__(world, gateway, world.add_channel("general", world.guild))
        self.messages = messages
        self.threads = Threads(world, messages)
        self.commands = Commands(world, application_id)
        self.webhooks = Webhooks(world, messages, application_id)
        self.interactions = Interactions(world, messages, application_id)
        self.token = token
        self.application_id = application_id
        self.limits = Limits()
        self.sent: list[Sent] = []
        self.rate_limited: list[str] = []
        self._faults: list[Fault] = []
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}{BASE}"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/gateway/"

    @property
    def oddities(self) -> set[str]:
        return self.messages.oddities

    def breaks(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def requests(self, method: str, ending: str) -> list[Sent]:
        return [one for one in self.sent if one.method == method and one.path.endswith(ending)]

    async def start(self) -> None:
        """After `stop` it comes back at the same address, and still knows everything."""
        self._runner = web.AppRunner(self._app(), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.gateway.url = self.gateway_url
        self.world.cdn_url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        self.gateway.drop_sockets()
        await asyncio.sleep(0)
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> FakeDiscord:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- routes ---------------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_get("/gateway/", self.gateway.handle)
        for name, method, path, handler in self._routes():
            app.router.add_route(method, BASE + path, self._guarded(name, handler))
        app.router.add_get("/attachments/{path:.*}", self._guarded("open file", self._get_file))
        app.router.add_route("*", "/{anything:.*}", self._guarded("unknown", self._unknown))
        return app

    def _routes(self) -> list[Route]:
        own: list[Route] = [
            ("open gateway", "GET", "/gateway", self._get_gateway),
            ("gateway bot", "GET", "/gateway/bot", self._get_gateway_bot),
            ("me", "GET", "/users/@me", self._get_me),
            ("application", "GET", "/applications/@me", self._get_application),
            ("application", "GET", "/oauth2/applications/@me", self._get_application),
            ("member", "GET", "/guilds/{guild_id}/members/{user_id}", self._get_member),
        ]
        return own + routes.of(
            self.messages, self.threads, self.webhooks, self.commands, self.interactions
        )

    async def _get_gateway(self, request: web.Request) -> web.Response:
        return json_answer({"url": self.gateway_url})

    async def _get_gateway_bot(self, request: web.Request) -> web.Response:
        return json_answer(self.gateway.starts.as_json(self.gateway_url))

    async def _get_me(self, request: web.Request) -> web.Response:
        return json_answer(payloads.own_user(self.world.bot))

    async def _get_application(self, request: web.Request) -> web.Response:
        return json_answer(payloads.application(self.world, self.application_id))

    async def _get_member(self, request: web.Request) -> web.Response:
        guild_id, user_id = request.match_info["guild_id"], request.match_info["user_id"]
        guild = next((one for one in self.world.guilds if one.id == guild_id), None)
        if guild is None or not self.world.bot_is_in(guild):
            raise missing_access()
        if user_id not in guild.members:
            raise unknown_member()
        return json_answer(payloads.full_member(guild.members[user_id].user, guild))

    async def _get_file(self, request: web.Request) -> web.Response:
        attachment = self.world.find_attachment(request.path)
        if attachment is None:
            return web.Response(status=404, text="This content is no longer available.")
        content_type = attachment.content_type or "application/octet-stream"
        return web.Response(body=attachment.file.data, headers={"Content-Type": content_type})

    async def _unknown(self, request: web.Request) -> web.Response:
        raise unknown_route()

    # -- the gate -------------------------------------------------------------------------

    def _guarded(self, route: str, handler: Handler) -> Handler:
        """Token, fault, bucket, then the handler; the record and the headers after it."""

        async def guarded(request: web.Request) -> web.Response:
            at_s, port = time.monotonic(), _port(request)
            path = request.path.removeprefix(BASE)
            fault = next((one for one in self._faults if one.strikes(request.method, path)), None)
            answer = await self._answer(route, handler, request, fault)
            dropped = fault is not None and fault.kind in ("dropped", "lost answer")
            body = carried(request, await request.read())
            status = 0 if dropped else answer.status
            self.sent.append(Sent(at_s, request.method, path, body, status, port))
            self.world.changed()
            return answer

        return guarded

    async def _answer(
        self, route: str, handler: Handler, request: web.Request, fault: Fault | None
    ) -> web.Response:
        # Read before anything else: a connection cut with unread input is reset, not closed.
        await request.read()
        instead = await fault.answer_instead(request) if fault is not None else None
        if instead is not None:
            return instead
        answer = await self._limited(route, handler, request)
        answer.headers["Via"] = VIA
        if fault is not None and fault.kind == "lost answer":
            return cut(request)
        if fault is not None and fault.kind == "late failure":
            return json_answer(fault.body, fault.status)
        return answer

    async def _limited(self, route: str, handler: Handler, request: web.Request) -> web.Response:
        if not route.startswith("open ") and request.headers.get("Authorization") != self._key:
            return self._refused(unauthorized())
        everything = None if route.startswith("open ") else self.limits.of_everything
        if everything is not None and not everything.take(time.monotonic()):
            self.rate_limited.append(f"{request.method} {request.path}")
            return too_many(everything.left_s, is_global=True)
        major = request.match_info.get("channel_id") or request.match_info.get("webhook_id") or ""
        route = route.removeprefix("open ")
        bucket = self.limits.bucket(route, major)
        if bucket is not None and not bucket.take(time.monotonic()):
            self.rate_limited.append(f"{request.method} {request.path}")
            answer = too_many(bucket.left_s)
            answer.headers.update(headers(bucket, route))
            return answer
        try:
            answer = await handler(request)
        except ApiError as error:
            answer = self._refused(error)
        if bucket is not None:
            answer.headers.update(headers(bucket, route))
        return answer

    @property
    def _key(self) -> str:
        return f"Bot {self.token}"

    def _refused(self, error: ApiError) -> web.Response:
        return json_answer(error.body, error.status)


def _port(request: web.Request) -> int:
    """Of the client's end of the connection; 0 where it is gone already."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return peer[1] if peer else 0
