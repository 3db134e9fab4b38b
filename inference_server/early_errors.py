"""Says what is wrong with a request by the answer's status, where vLLM says it late or wrongly.

vLLM begins a stream before it has checked all of the request, so that its error comes with status
200; and where a grammar can't be compiled or followed, it takes the blame itself, with a 500. Knows
how vLLM writes errors into streams.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import Message, Send

from .errors import error_body, refusal

EVENT = b'data: {"error":'
GAVE_UP = "Internal server error"
"""All that vLLM says in a stream when the engine gives up on one request."""
UNFOLLOWABLE = (
    "The engine could not compile or follow the schema, grammar or pattern of this request; "
    "make it simpler."
)
CODE = "cannot_follow"
CONSTRAINS = ("response_format", "structured_outputs", "tools")
CONSTRAINED = "understudy.constrained"
"""Where the relay notes in the scope that a request's answer is bound to a grammar."""


def constrained(request: dict[str, Any]) -> bool:
    return any(request.get(name) is not None for name in CONSTRAINS)


async def answer_given_up(request: Request, error: Exception) -> JSONResponse:
    """For vLLM's GenerationError: the engine gave up on one request, and lives."""
    if getattr(error, "status_code", None) == HTTPStatus.SERVICE_UNAVAILABLE:
        return refusal(503, str(error), "try_again", kind="server_error")
    if request.scope.get(CONSTRAINED):
        return refusal(400, UNFOLLOWABLE, CODE)
    return refusal(500, GAVE_UP, "server_error", kind="server_error")


class EarlyErrors:
    """A `send`. A stream begins with its first event; is that an error, there is no stream.

    `constrained`: the answer is bound to a grammar, so that a request's own wish may have failed.
    """

    def __init__(self, send: Send, *, constrained: bool) -> None:
        self._send, self._constrained = send, constrained
        self._start: Message | None = None
        self._answered = False

    async def __call__(self, message: Message) -> None:
        if self._answered:
            return
        if message["type"] == "http.response.start" and _streams(message):
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None:
            await self._begin(self._start, message)
        elif EVENT in message.get("body", b""):
            await self._send({**message, "body": self._corrected(message["body"])})
        else:
            await self._send(message)

    async def _begin(self, start: Message, first: Message) -> None:
        self._start = None
        body = first.get("body", b"")
        if not body.startswith(EVENT):
            await self._send(start)
            await self._send(first)
            return
        self._answered = True
        error = self._error(body)
        status = error["code"] if isinstance(error["code"], int) else 400
        whole = json.dumps({"error": error}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(whole))]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": whole})

    def _error(self, event: bytes) -> dict[str, Any]:
        """The error that an event tells of, with the blame where it belongs."""
        error: dict[str, Any] = json.loads(event.partition(b"\n")[0][len("data: ") :])["error"]
        if self._constrained and error["message"] == GAVE_UP:
            error = error_body(UNFOLLOWABLE, CODE, "invalid_request_error")["error"]
        return error

    def _corrected(self, body: bytes) -> bytes:
        """The same events; an error in the midst of a stream keeps its place."""
        before, _, rest = body.partition(EVENT)
        event, end, after = (EVENT + rest).partition(b"\n")
        return before + b"data: " + json.dumps({"error": self._error(event)}).encode() + end + after


def _streams(start: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start["headers"]
    )
