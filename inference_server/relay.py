"""Carries a request for a persona to the version that answers for it, and its name back.

An ASGI layer inside the access check. The body is read whole (with a limit), waits for a place in
the engine, and only then is given to the version that serves at that moment; in the answer,
streamed or not, `model` becomes again what was asked for.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.manifest import BASE

from . import sanity
from .answer import Answer
from .body import parse, read_body, replay
from .early_errors import CONSTRAINED, EarlyErrors, constrained
from .errors import BadRequest, Refusal
from .gate import Gate
from .patience import Patience
from .service import Service

GENERATES = {"/v1/chat/completions", "/v1/completions"}
RELAYED = {*GENERATES, "/tokenize"}
HEADERS = {b"host", b"content-type", b"accept", b"user-agent"}
"""What vLLM is told of the client's headers: others choose engines, priorities and request ids."""
RANK = b"x-data-parallel-rank"
GRACE_S = 5.0
"""How long vLLM may take to end a request whose time is over."""


class Relay:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in RELAYED:
            await self.app(scope, receive, send)
            return
        service: Service = scope["app"].state.understudy
        try:
            await self._relay(service, scope, receive, send)
        except Refusal as error:
            service.metrics.refused(error.code)
            await error.answer()(scope, receive, send)

    async def _relay(self, service: Service, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal where nothing was answered yet."""
        body = await read_body(scope, receive, service.max_body_bytes)
        request = parse(body)
        sanity.check(request, service.engine.max_context)
        asked = _asked(request)
        service.aliases.resolve(asked)  # who can't be answered does not wait for it
        patience, place = Patience(receive, service.request_seconds), None
        try:
            if scope["path"] in GENERATES:
                place = await patience.enter(service.gate, _answers(request, service.gate))
                if place is None:
                    service.metrics.refused("client_left")
                    return
            await self._answer(service, scope, request, asked, patience, send)
        finally:
            patience.close()
            if place:
                place.leave()

    async def _answer(
        self, service: Service, scope: Scope, request: dict[str, Any], asked: str,
        patience: Patience, send: Send,
    ) -> None:  # fmt: skip
        hide_usage, bound = _ask_for_usage(request), constrained(request)
        with service.aliases.lease(asked) as engine:
            body = json.dumps({**request, "model": engine}).encode()
            generates = scope["path"] in GENERATES
            series = service.metrics.series(asked, engine) if generates else None
            answer = Answer(send, asked, engine, series, patience, hide_usage=hide_usage)
            failed = False
            try:
                async with asyncio.timeout_at(patience.ends_at + GRACE_S):
                    inner = _inner(scope, len(body), service.engine.engines)
                    inner[CONSTRAINED] = bound
                    its_send = EarlyErrors(answer, constrained=bound)
                    await self.app(inner, replay(body, patience.receive), its_send)
            except Exception as error:
                if not (patience.over and isinstance(error, TimeoutError)):
                    failed = True
                    raise
            finally:
                outcome = answer.measured(failed=failed)
                service.metrics.answered(asked, engine, scope["path"], outcome)
            await answer.end()


def _asked(request: dict[str, Any]) -> str:
    asked = request.get("model")
    if asked is None:
        return BASE
    if not isinstance(asked, str):
        raise BadRequest("'model' must be a string.")
    return asked


def _answers(request: dict[str, Any], gate: Gate) -> int:
    """How many answers the engine is to generate side by side. Raises BadRequest."""
    prompt, n = request.get("prompt"), request.get("n")
    several = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
    texts = len(prompt) if several and isinstance(prompt, list) else 1
    number = texts * (n if type(n) is int and n > 0 else 1)
    if number > gate.places:
        raise BadRequest(f"This asks for {number} answers at once; at most {gate.places} fit.")
    return number


def _ask_for_usage(request: dict[str, Any]) -> bool:
    """Have a stream end with its token counts; True where the client did not want them."""
    options = request.get("stream_options")
    if request.get("stream") is not True or not isinstance(options, dict | None):
        return False
    wanted = bool(options and options.get("include_usage"))
    request["stream_options"] = {**(options or {}), "include_usage": True}
    return not wanted


def _inner(scope: Scope, length: int, engines: int) -> dict[str, Any]:
    """The scope that vLLM sees: the new length, and of the headers only what it needs."""
    headers = [header for header in scope["headers"] if header[0] in HEADERS]
    for name, value in scope["headers"]:
        if name == RANK and len(value) < 5 and value.isdigit() and int(value) < engines:
            headers.append((name, value))
    return {**scope, "headers": [*headers, (b"content-length", b"%d" % length)]}
