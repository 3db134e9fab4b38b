"""The gateway: one websocket protocol, and what a test can do to it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time

from aiohttp import WSMsgType, web

from tests.fakes.discord import payloads
from tests.fakes.discord.audience import Audience
from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import Guild
from tests.fakes.discord.sessions import (
    GOODBYES,
    KNOWN_INTENTS,
    PRIVILEGED,
    Close,
    Connection,
    Intent,
    Op,
    Session,
)
from tests.fakes.discord.starts import Starts, shard_of
from tests.fakes.discord.world import World

MAX_PAYLOAD_BYTES = 4096


class Gateway(Audience):
    """Accepts bots with the right token and intents, and tells them what happens."""

    def __init__(self, world: World, token: str, heartbeat_interval_s: float) -> None:
        super().__init__(world)
        self.token = token
        self.url = ""
        self.application_id = ""
        self.heartbeat_interval_s = heartbeat_interval_s
        self.allowed_privileged = PRIVILEGED
        self.deaf = False
        self.identified: list[Json] = []
        self.starts = Starts()
        self.resumed = 0
        self.closed_with: list[int] = []

    # -- what a test can do ---------------------------------------------------------------

    @property
    def online(self) -> bool:
        return any(True for _ in self._connected())

    @property
    def invited(self) -> bool:
        return self.world.bot_is_in(self.world.guild)

    @invited.setter
    def invited(self, invited: bool) -> None:
        """Before the bot is there; `removes_bot_from` and `adds_bot_to` tell a connected one."""
        self.world.throw_out_bot(self.world.guild)
        if invited:
            self.world.let_in(self.world.bot, self.world.guild)

    @property
    def online_shards(self) -> set[int]:
        return {session.shard for session, _ in self._connected()}

    def ask_to_reconnect(self) -> None:
        """RECONNECT: the client should come back and RESUME."""
        for _, connection in self._connected():
            connection.send({"op": Op.RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        """INVALID_SESSION: resume it, or (False) start over with IDENTIFY."""
        for session, connection in list(self._connected()):
            connection.send({"op": Op.INVALID_SESSION, "d": resumable})
            if not resumable:
                del self.sessions[session.id]

    def drop_sockets(self) -> None:
        for _, connection in self._connected():
            connection.drop()

    def close_sockets(self, code: int) -> None:
        for _, connection in self._connected():
            connection.close(code)

    # -- the protocol ---------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, request)
        writing = asyncio.create_task(connection.write())
        if request.query.get("v") != "10":
            connection.close(Close.INVALID_API_VERSION)
        interval_ms = int(self.heartbeat_interval_s * 1000)
        connection.send({"op": Op.HELLO, "d": {"heartbeat_interval": interval_ms}})
        try:
            await self._listen(connection)
        finally:
            writing.cancel()
            self._lost(connection)
        return socket

    async def _listen(self, connection: Connection) -> None:
        while not connection.socket.closed:
            silent_s = time.monotonic() - connection.last_heartbeat_s
            patience_s = 2 * self.heartbeat_interval_s - silent_s
            try:
                message = await connection.socket.receive(timeout=max(patience_s, 0.001))
            except TimeoutError:
                connection.close(Close.SESSION_TIMED_OUT)
                connection.last_heartbeat_s = time.monotonic()
                continue
            if message.type is not WSMsgType.TEXT:
                closed_by_bot = message.type is WSMsgType.CLOSE
                connection.said_goodbye = closed_by_bot and message.data in GOODBYES
                return
            self._receive(connection, message.data)

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            payload = json.loads(text)
            op, data = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError):
            connection.close(Close.DECODE_ERROR)
            return
        if len(text.encode()) > MAX_PAYLOAD_BYTES:
            connection.close(Close.DECODE_ERROR)
        elif connection.too_fast():
            connection.close(Close.RATE_LIMITED)
        else:
            self._obey(connection, op, data)

    def _obey(self, connection: Connection, op: int, data: Json) -> None:
        match op:
            case Op.HEARTBEAT:
                connection.last_heartbeat_s = time.monotonic()
                if not self.deaf:
                    connection.send({"op": Op.HEARTBEAT_ACK})
            case Op.IDENTIFY:
                self._identify(connection, data)
            case Op.RESUME:
                self._resume(connection, data)
            case Op.PRESENCE_UPDATE | Op.VOICE_STATE_UPDATE | Op.REQUEST_GUILD_MEMBERS:
                if connection.session is None:
                    connection.close(Close.NOT_AUTHENTICATED)
            case _:
                connection.close(Close.UNKNOWN_OPCODE)

    def _identify(self, connection: Connection, data: Json) -> None:
        refusal = self._refusal(connection, data)
        if refusal is not None:
            self._refuse(connection, refusal)
            return
        shard, shards = shard_of(data) or (0, 1)
        if not self.starts.take(shard):
            connection.send({"op": Op.INVALID_SESSION, "d": False})
            return
        self.identified.append(data)
        intents = Intent(data["intents"])
        session = Session(secrets.token_hex(16), intents, connection, shard, shards)
        connection.session = self.sessions[session.id] = session
        session.dispatch("READY", self._ready(session))
        if session.intents & Intent.GUILDS:
            for guild in self._guilds(session):
                session.dispatch("GUILD_CREATE", payloads.guild_create(guild, self.world))
        self.world.changed()

    def _guilds(self, session: Session) -> list[Guild]:
        return [
            guild
            for guild in self.world.guilds
            if self.world.bot_is_in(guild) and session.serves(guild.id)
        ]

    def _refusal(self, connection: Connection, data: Json) -> Close | None:
        intents = data.get("intents")
        if connection.session is not None:
            return Close.ALREADY_AUTHENTICATED
        if data.get("token") != self.token:
            return Close.AUTHENTICATION_FAILED
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return Close.INVALID_INTENTS
        if shard_of(data) is None:
            return Close.INVALID_SHARD
        if intents & PRIVILEGED & ~self.allowed_privileged:
            return Close.DISALLOWED_INTENTS
        return None

    def _refuse(self, connection: Connection, code: Close) -> None:
        self.closed_with.append(code)
        connection.close(code)

    def _ready(self, session: Session) -> Json:
        return {
            "v": 10,
            "user": payloads.own_user(self.world.bot),
            "guilds": [{"id": guild.id, "unavailable": True} for guild in self._guilds(session)],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": self.application_id, "flags": 1 << 19},
            "private_channels": [],
        }

    def _resume(self, connection: Connection, data: Json) -> None:
        session = self.sessions.get(data.get("session_id") or "")
        seen = data.get("seq") or 0
        if data.get("token") != self.token:
            self._refuse(connection, Close.AUTHENTICATION_FAILED)
        elif session is None or not session.may_resume():
            connection.send({"op": Op.INVALID_SESSION, "d": False})
        elif seen > session.seq:
            self._refuse(connection, Close.INVALID_SEQ)
        else:
            self._replay(connection, session, seen)

    def _replay(self, connection: Connection, session: Session, seen: int) -> None:
        connection.session, session.connection, session.lost_at_s = session, connection, None
        for event in session.events:
            if event["s"] > seen:
                connection.send(event)
        session.dispatch("RESUMED", {})
        self.resumed += 1
        self.world.changed()

    def _lost(self, connection: Connection) -> None:
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection, session.lost_at_s = None, time.monotonic()
            if connection.said_goodbye:
                self.sessions.pop(session.id, None)
        self.world.changed()
