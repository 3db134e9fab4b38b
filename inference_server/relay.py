"""Carries a request for a persona to the version that answers for it, and its name back.

An ASGI layer inside the access check. The body is read whole (with a limit), `model` becomes the
engine's name, and in the answer, streamed or not, it becomes again what was asked for.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.manifest import BASE

from .aliases import Aliases
from .errors import BadRequest, NotReadyYet, UnknownModel, refusal

RELAYED = {"/v1/chat/completions", "/v1/completions", "/tokenize"}
MAX_BODY_BYTES = 2 * 1024 * 1024
BODY_TIMEOUT_S = 30.0
VERSION_HEADER = "X-Understudy-Version"


class Relay:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in RELAYED:
            await self.app(scope, receive, send)
            return
        aliases: Aliases = scope["app"].state.understudy.aliases
        try:
            body = await read_body(scope, receive)
            request = parse(body)
            asked = _asked(request)
            with aliases.lease(asked) as engine:
                if engine != asked:
                    body = json.dumps({**request, "model": engine}).encode()
                answer = _Answer(send, asked, engine)
                await self.app(_sized(scope, len(body)), _replay(body, receive), answer)
        except BadRequest as error:
            await refusal(error.status, str(error), "bad_request")(scope, receive, send)
        except UnknownModel as error:
            answer_404 = refusal(404, str(error), "model_not_found", param="model")
            await answer_404(scope, receive, send)
        except NotReadyYet as error:
            headers = {"Retry-After": "2"}
            answer_503 = refusal(
                503, str(error), "not_ready", kind="server_error", param="model", headers=headers
            )
            await answer_503(scope, receive, send)


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises BadRequest where it is too long, too slow or broken off."""
    too_long = BadRequest(f"The body is longer than {MAX_BODY_BYTES >> 20} MiB.", 413)
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > MAX_BODY_BYTES:
            raise too_long
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest("The body broke off.")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MAX_BODY_BYTES:
                    raise too_long
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise BadRequest("The body took too long to arrive.", 408) from None


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadRequest."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(request, dict):
        raise BadRequest("The body must be a JSON object.")
    return request


def _asked(request: dict[str, Any]) -> str:
    asked = request.get("model")
    if asked is None:
        return BASE
    if not isinstance(asked, str):
        raise BadRequest("'model' must be a string.")
    return asked


def _sized(scope: Scope, length: int) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", b"%d" % length)]}


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once, then whatever comes after it (a disconnect, above all)."""
    unread = True

    async def replayed() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


class _Answer:
    """Sends an answer on with the asked-for name in it.

    Quotes inside JSON strings are escaped, so `"model":"maya@3"` in the bytes is always the field
    itself. An answer with a length waits for its body, as its length changes; a stream does not.
    """

    def __init__(self, send: Send, asked: str, engine: str) -> None:
        self._send = send
        self._engine = engine
        self._old = f'"model":"{engine}"'.encode()
        self._new = f'"model":"{asked}"'.encode()
        self._held: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        renamed = self._old != self._new
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            headers[VERSION_HEADER] = self._engine
            if renamed and "content-length" in headers:
                self._held = message
            else:
                await self._send(message)
        elif message["type"] == "http.response.body" and self._held is not None:
            await self._send_whole(self._held, message)
        elif message["type"] == "http.response.body" and renamed:
            body = message.get("body", b"").replace(self._old, self._new)
            await self._send({**message, "body": body})
        else:
            await self._send(message)

    async def _send_whole(self, start: Message, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = self._body.replace(self._old, self._new)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        self._held = None
        await self._send(start)
        await self._send({**message, "body": body})
