"""An answer on its way to the client: with the asked-for name in it, measured, and never cut mute.

Quotes inside JSON strings are escaped, so `"model":"maya@3"` in the bytes is always the field
itself, and so are the other fields that are looked for here. Nothing is parsed.
"""

from __future__ import annotations

import json
import re
from time import monotonic

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from .errors import TookTooLong, error_body
from .metrics import Series
from .patience import Patience

VERSION_HEADER = "X-Understudy-Version"
TOKENS = re.compile(rb'"(prompt|completion)_tokens":(\d+)')
USAGE, NO_CHOICES = b'"usage":{', b'"choices":[]'
ROLE, DONE, ERROR = b'"role":"assistant"', b"data: [DONE]", b'data: {"error":'


class Answer:
    """The `send` of one request. An answer with a length waits for its body, as that changes; a
    stream does not. `hide_usage`: the client did not ask for the stream's last chunk, we did.
    Without `series` nothing is measured.
    """

    def __init__(
        self, send: Send, asked: str, engine: str, series: Series | None, patience: Patience,
        *, hide_usage: bool,
    ) -> None:  # fmt: skip
        self._send, self._engine = send, engine
        self._series, self._patience = series, patience
        self._old = f'"model":"{engine}"'.encode()
        self._new = f'"model":"{asked}"'.encode()
        self._hide_usage = hide_usage
        self._held: Message | None = None
        self._body = b""
        self._streams = False
        self._began = self._last = patience.began
        self._chunks = 0
        self._gaps: list[float] = []
        self._tokens: dict[bytes, int] = {}
        self._status = 0
        self._begun = self._ended = False

    async def __call__(self, message: Message) -> None:
        if self._patience.over:
            return  # what the app says to a client that it thinks gone
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body":
            await self._pass_on(message)
        else:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        headers = MutableHeaders(raw=message["headers"])
        headers[VERSION_HEADER] = self._engine
        self._status = message["status"]
        self._streams = headers.get("content-type", "").startswith("text/event-stream")
        if "content-length" in headers:
            self._held = message
        else:
            self._begun = True
            await self._send(message)

    async def _pass_on(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._held is not None:
            self._body += body
            if not more:
                await self._send_whole(self._held, message)
            return
        if self._streams and self._series and body:
            if body.startswith(ERROR):
                self._status = 500  # vLLM gave up in the midst of it
            self._measure(self._series, body)
            if self._hide_usage and NO_CHOICES in body and USAGE in body:
                return
        if self._old != self._new:
            message = {**message, "body": body.replace(self._old, self._new)}
        self._ended = not more
        await self._send(message)

    async def _send_whole(self, start: Message, message: Message) -> None:
        self._count(self._body)
        body = self._body.replace(self._old, self._new)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        self._held, self._begun, self._ended = None, True, True
        await self._send(start)
        await self._send({**message, "body": body})

    def _measure(self, series: Series, chunk: bytes) -> None:
        """Note when a token came; chunks with a role, a usage or an end have none."""
        if USAGE in chunk:
            self._count(chunk)
            if NO_CHOICES in chunk:
                return
        now = monotonic()
        if self._chunks:
            if chunk.startswith(DONE):
                return
            self._gaps.append(now - self._last)
        elif ROLE in chunk:
            return
        else:
            series.first_token.observe(now - self._began)
        self._last = now
        self._chunks += 1

    def _count(self, usage: bytes) -> None:
        for kind, number in TOKENS.findall(usage):
            self._tokens[kind] = int(number)

    def measured(self, *, failed: bool = False) -> str:
        """Count what was said, at the end, and name the outcome."""
        if self._series:
            self._series.between_tokens(self._gaps)
            self._series.prompt_tokens.inc(self._tokens.get(b"prompt", 0))
            self._series.completion_tokens.inc(self._tokens.get(b"completion", self._chunks))
            self._series.whole.observe(monotonic() - self._began)
        if failed:
            return "5xx"
        if not self._ended:
            return "took_too_long" if self._patience.over else "client_left"
        return "ok" if self._status < 400 else f"{self._status // 100}xx"

    async def end(self) -> None:
        """Where the time ran out: end a stream with an error that OpenAI's clients raise.

        Raises TookTooLong where nothing was sent yet.
        """
        if self._ended or not self._patience.over:
            return
        error = TookTooLong(self._patience.seconds)
        if not self._begun:
            raise error
        said = json.dumps(error_body(str(error), error.code, error.kind))
        last = f"data: {said}\n\ndata: [DONE]\n\n".encode()
        self._ended = True
        await self._send({"type": "http.response.body", "body": last, "more_body": False})
