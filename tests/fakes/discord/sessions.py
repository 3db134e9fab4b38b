"""The gateway's words, and what lives on it: sockets, and sessions that outlive them."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from aiohttp import web

from tests.fakes.discord.errors import Json

SESSION_LIVES_S = 60.0
GOODBYES = (1000, 1001)
"""A bot that closes its socket with one of these ends its session."""
MAX_SENDS_PER_MINUTE = 120


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQ = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_WEBHOOKS = 1 << 5
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
NO_INTENT = Intent(0)
KNOWN_INTENTS = (1 << 26) - 1


@dataclass(frozen=True)
class _CloseWith:
    code: int


class _Drop:
    """Cut the socket without a close frame."""


class Connection:
    """One websocket; what is put in `outbox` goes out in order, compressed as asked."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.said_goodbye = False
        self.last_heartbeat_s = time.monotonic()
        self._request = request
        self._outbox: asyncio.Queue[Json | _CloseWith | _Drop] = asyncio.Queue()
        self._zlib = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._received_s: deque[float] = deque(maxlen=MAX_SENDS_PER_MINUTE)

    def send(self, payload: Json) -> None:
        self._outbox.put_nowait(payload)

    def close(self, code: int) -> None:
        self._outbox.put_nowait(_CloseWith(code))

    def drop(self) -> None:
        self._outbox.put_nowait(_Drop())

    def too_fast(self) -> bool:
        now_s = time.monotonic()
        full = len(self._received_s) == MAX_SENDS_PER_MINUTE
        sends_too_fast = full and now_s - self._received_s[0] < 60.0
        self._received_s.append(now_s)
        return sends_too_fast

    async def write(self) -> None:
        while True:
            match await self._outbox.get():
                case _CloseWith(code):
                    await self.socket.close(code=code)
                    return
                case _Drop():
                    if self._request.transport is not None:
                        self._request.transport.abort()
                    return
                case payload:
                    await self._write(json.dumps(payload))

    async def _write(self, text: str) -> None:
        if self.socket.closed:
            return
        try:
            if self._zlib is None:
                await self.socket.send_str(text)
            else:
                packed = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(packed)
        except ConnectionError:
            pass  # gone between the look and the write: the session keeps it for RESUME


@dataclass(eq=False)
class Session:
    """What survives a socket: intents, the sequence, and events to replay."""

    id: str
    intents: Intent
    connection: Connection | None
    seq: int = 0
    events: list[Json] = field(default_factory=list)
    lost_at_s: float | None = None

    def dispatch(self, event: str, data: Json) -> None:
        self.seq += 1
        payload: Json = {"op": Op.DISPATCH, "t": event, "s": self.seq, "d": data}
        self.events.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def may_resume(self) -> bool:
        return self.lost_at_s is None or time.monotonic() - self.lost_at_s < SESSION_LIVES_S
