"""The gateway: one websocket protocol, and what a test can do to it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator

from aiohttp import WSMsgType, web

from tests.fakes.discord import message_payloads, payloads
from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import DIRECT_MESSAGE, Channel, Guild, Message
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.sessions import (
    GOODBYES,
    KNOWN_INTENTS,
    NO_INTENT,
    PRIVILEGED,
    Close,
    Connection,
    Intent,
    Op,
    Session,
)
from tests.fakes.discord.world import World

MAX_PAYLOAD_BYTES = 4096


class Gateway:
    """Accepts bots with the right token and intents, and tells them what happens."""

    def __init__(self, world: World, token: str, heartbeat_interval_s: float) -> None:
        self.world = world
        self.token = token
        self.url = ""
        self.application_id = ""
        self.heartbeat_interval_s = heartbeat_interval_s
        self.allowed_privileged = PRIVILEGED
        self.deaf = False
        self.sessions: dict[str, Session] = {}
        self.identified: list[Json] = []
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
        guild = self.world.guild
        guild.members = [one for one in guild.members if one.user is not self.world.bot]
        if invited:
            self.world.let_in(self.world.bot, guild)

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

    def dispatch(self, event: str, data: Json, needs: Intent = NO_INTENT) -> None:
        for session in self.sessions.values():
            if session.intents & needs == needs and session.may_resume():
                session.dispatch(event, data)

    def sees(self, channel: Channel) -> bool:
        """Nothing is told of what the bot may not see."""
        return bool(self.world.permissions(self.world.bot, channel) & Permission.VIEW_CHANNEL)

    def dispatch_message(self, event: str, message: Message) -> None:
        if not self.sees(message.channel):
            return
        data = message_payloads.message_event(message, self.world)
        direct = message.channel.kind == DIRECT_MESSAGE
        needs = Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES
        for session in self.sessions.values():
            if session.intents & needs and session.may_resume():
                reads = session.intents & Intent.MESSAGE_CONTENT or readable(message, self.world)
                session.dispatch(event, data if reads else blank(data))

    def _connected(self) -> Iterator[tuple[Session, Connection]]:
        for session in self.sessions.values():
            if session.connection is not None:
                yield session, session.connection

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
        self.identified.append(data)
        session = Session(secrets.token_hex(16), Intent(data["intents"]), connection)
        connection.session = self.sessions[session.id] = session
        session.dispatch("READY", self._ready(session, data.get("shard") or [0, 1]))
        if session.intents & Intent.GUILDS:
            for guild in self._guilds():
                session.dispatch("GUILD_CREATE", payloads.guild_create(guild, self.world))
        self.world.changed()

    def _guilds(self) -> list[Guild]:
        return [guild for guild in self.world.guilds if self.world.bot_is_in(guild)]

    def _refusal(self, connection: Connection, data: Json) -> Close | None:
        intents = data.get("intents")
        if connection.session is not None:
            return Close.ALREADY_AUTHENTICATED
        if data.get("token") != self.token:
            return Close.AUTHENTICATION_FAILED
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return Close.INVALID_INTENTS
        if intents & PRIVILEGED & ~self.allowed_privileged:
            return Close.DISALLOWED_INTENTS
        return None

    def _refuse(self, connection: Connection, code: Close) -> None:
        self.closed_with.append(code)
        connection.close(code)

    def _ready(self, session: Session, shard: list[int]) -> Json:
        return {
            "v": 10,
            "user": payloads.own_user(self.world.bot),
            "guilds": [{"id": guild.id, "unavailable": True} for guild in self._guilds()],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": shard,
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


def readable(message: Message, world: World) -> bool:
    """Without the intent: direct messages, mentions of the bot, and its own are readable."""
    return (
        message.channel.kind == DIRECT_MESSAGE
        or message.author is world.bot
        or message.application_id is not None
        or world.bot in message.mentions
    )


def blank(data: Json) -> Json:
    """A message as a bot without message content sees it."""
    return data | {"content": "", "embeds": [], "attachments": [], "components": []}
