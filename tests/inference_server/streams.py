"""Drives many answers at once, cheaply enough to share a small machine with what it measures.

Knows HTTP answers and server-sent events as bytes with the moment they came, and takes them apart
only when somebody asks. Knows nothing of personas or figures.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httptools

CHAT = "/v1/chat/completions"
ANSWER_SECONDS = 180.0
"""Far beyond what an answer takes, also on a busy machine."""
SPOKEN = re.compile(rb'"delta":\{"content":')
"""A piece of a stream with a token in it, which may be half a character and so say nothing yet; the
first piece only names the role."""


@dataclass(slots=True)
class Heard:
    """One answer: its pieces, each with the moment it came (`time.perf_counter`)."""

    sent_at: float
    status: int = 0
    version: str = ""
    pieces: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    def spoken_at(self) -> list[float]:
        """When something was said; tokens that came in one piece are one moment."""
        return sorted({at for at, piece in self.pieces if SPOKEN.search(piece)})

    @property
    def first_s(self) -> float:
        """Seconds until the first token."""
        return next(at for at, piece in self.pieces if SPOKEN.search(piece)) - self.sent_at

    def chunks(self) -> list[dict[str, Any]]:
        if not self.body.startswith(b"data: "):
            return [json.loads(self.body)]
        lines = self.body.split(b"\n\n")
        return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]

    def choices(self) -> list[dict[str, Any]]:
        return [chunk["choices"][0] for chunk in self.chunks() if chunk.get("choices")]

    def tokens(self) -> list[int]:
        """What was said, where `return_token_ids` was asked for."""
        return [token for choice in self.choices() for token in choice.get("token_ids") or []]

    def trouble(self) -> str | None:
        """What is wrong with the answer; None for one that came whole."""
        if self.status != 200:
            return f"{self.status}: {self.body[:200]!r}"
        if self.body.startswith(b"data: ") and not self.body.endswith(b"data: [DONE]\n\n"):
            return f"it broke off: {self.body[-200:]!r}"
        if not any(choice.get("finish_reason") for choice in self.choices()):
            return f"it has no end: {self.body[-200:]!r}"
        return None

    def full_length(self) -> bool:
        """Whether the answer ended at `max_tokens`, so that its tokens need no counting."""
        return self.status == 200 and b'"finish_reason":"length"' in self.body


class Line(asyncio.Protocol):
    """One kept-alive connection; one question at a time."""

    def __init__(self, port: int, key: str) -> None:
        self._head = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\n"
        ).encode()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._heard: Heard | None = None
        self._done: asyncio.Future[Heard] | None = None
        self._now = 0.0

    async def ask(self, body: bytes, path: str = CHAT) -> Heard:
        """One whole answer. Raises ConnectionError, TimeoutError."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionError("the server has hung up")
        self._done = asyncio.get_running_loop().create_future()
        request = b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (
            path.encode(), self._head, len(body),
        )  # fmt: skip
        self._heard = Heard(time.perf_counter())
        self._transport.write(request + body)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._done

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._now = time.perf_counter()
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError("the server hung up in an answer"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._heard is not None and name.lower() == b"x-understudy-version":
            self._heard.version = value.decode()

    def on_body(self, piece: bytes) -> None:
        if self._heard is not None:
            self._heard.pieces.append((self._now, piece))

    def on_message_complete(self) -> None:
        if self._heard is not None and self._done is not None and not self._done.done():
            self._heard.status = self._parser.get_status_code()
            self._done.set_result(self._heard)


@asynccontextmanager
async def lines(port: int, key: str, count: int) -> AsyncIterator[list[Line]]:
    """So many open connections; a server closes those that nothing was asked on for seconds."""
    loop = asyncio.get_running_loop()
    opened = []
    try:
        for _ in range(count):
            _, line = await loop.create_connection(lambda: Line(port, key), "127.0.0.1", port)
            opened.append(line)
        yield opened
    finally:
        for line in opened:
            line.close()


async def keep_asking(
    line: Line,
    question: Callable[[int], bytes],
    going: Callable[[int], bool],
    heard: Callable[[Heard], None],
) -> None:
    """Ask question after question on one connection for as long as `going` says."""
    turn = 0
    while going(turn):
        heard(await line.ask(question(turn)))
        turn += 1


def chat(model: str, words: str, **fields: Any) -> bytes:
    """The body of a greedy question, streamed unless the fields say otherwise."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": words}],
        "temperature": 0,
        "stream": True,
        "ignore_eos": True,
        **fields,
    }
    return json.dumps(body).encode()
