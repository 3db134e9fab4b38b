"""A stub OpenAI-compatible server on a real socket: speaks what it is told, fails as it is told.

It knows our server's other routes, too (/personas, /tokenize, /admin/…); each can be missing, as
on a foreign server. What it was asked is kept, so that a test can read it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from aiohttp import web

from tests.fakes.admin import AdminRoutes

KEY = "test-inference-key"
ADMIN_KEY = "test-admin-key"
VERSION_HEADER = "X-Understudy-Version"


def persona(name: str, **more: Any) -> dict[str, Any]:
    """An entry of GET /personas."""
    return {
        "name": name,
        "display_name": name.title(),
        "avatar": None,
        "system_prompt": f"You are {name.title()}.",
        "greeting": None,
        "sampling": {"temperature": 0.8, "top_p": 0.95, "max_tokens": 120},
        "starters": [],
        "prompt_format": {
            "version": 1,
            "speaker_label": "{name}: ",
            "burst_separator": "\n",
            "window_messages": 16,
        },
        "current": 1,
        "versions": [1],
        **more,
    }


@dataclass
class Fault:
    """What goes wrong with one request for an answer.

    `status` answers with that error (`retry_after` says when to come back); `after_words` words
    later the connection is `cut`, or nothing more comes (`silent`), or `garbage` is sent in place
    of a chunk. Who asks for no stream gets half an answer, none, or garbage in place of one.
    """

    status: int | None = None
    says: str = "as the test wants it"
    retry_after: str | None = None
    after_words: int = 0
    cut: bool = False
    silent: bool = False
    garbage: str | None = None
    unfinished: bool = False
    finish: str = "stop"
    """Why the answer ends."""


@dataclass
class ModelServer:
    words: list[str] = field(default_factory=lambda: ["Hello", " there", "."])
    speaks: Callable[[dict[str, Any]], Iterable[str]] | None = None
    """The words by what is asked, in place of `words`."""
    pace_s: float = 0
    first_word_after_s: float = 0
    personas: list[dict[str, Any]] | None = field(default_factory=lambda: [persona("maya")])
    personas_status: int = 200
    models: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": "base", "max_model_len": 1024}]
    )
    counts_tokens: bool = True
    tells_version: bool = True
    key: str | None = KEY
    faults: deque[Fault] = field(default_factory=deque)
    admin_answer: tuple[int, Any] = (200, {})
    admin: AdminRoutes | None = None
    """What answers /admin/… as our server does; None: everything is answered `admin_answer`."""
    admin_delay_s: float = 0
    total_tokens: int | None = None
    """The usage told at the end of a stream to who asks for it; None: this server tells none."""
    knows_usage: bool = True
    """False: "stream_options" is refused, as by servers that check for unknown fields."""
    knows_max_tokens: bool = True
    """False: "max_tokens" is refused, as of models that know "max_completion_tokens" only."""

    questions: list[dict[str, Any]] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)
    """When each request for an answer came (`time.perf_counter`)."""
    tokenized: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""
    speaking: int = 0
    """Answers being streamed right now."""
    most_speaking: int = 0
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_get("/personas", self._personas)
        app.router.add_route("*", "/admin/{rest:.*}", self._admin)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.came_at.append(perf_counter())
        if refusal := self._refusal(request):
            return refusal
        question = await request.json()
        self.questions.append(question)
        if "stream_options" in question and not self.knows_usage:
            return _error(400, "Unrecognized request argument supplied: stream_options")
        if "max_tokens" in question and not self.knows_max_tokens:
            return _error(400, "Unsupported parameter: 'max_tokens' is not supported")
        fault = self.faults.popleft() if self.faults else Fault()
        if fault.status is not None:
            return _error(fault.status, fault.says, fault.retry_after)
        if fault.silent and not fault.after_words:
            await asyncio.sleep(3600)
        self.speaking += 1
        self.most_speaking = max(self.most_speaking, self.speaking)
        try:
            answer = self._stream if question.get("stream") else self._whole
            return await answer(request, question, fault)
        finally:
            self.speaking -= 1

    async def _whole(
        self, request: web.Request, question: dict[str, Any], fault: Fault
    ) -> web.StreamResponse:
        """The answer in one piece."""
        await asyncio.sleep(self.first_word_after_s)
        words = "".join(self.speaks(question) if self.speaks else self.words)
        body = _completion(question["model"], words, fault.finish)
        if fault.garbage is not None:
            body = fault.garbage.encode()
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Content-Length": str(len(body))}
        )
        await response.prepare(request)
        await response.write(body[: len(body) // 2] if fault.cut else body)
        if fault.cut:
            assert request.transport is not None
            request.transport.abort()
        return response

    async def _stream(
        self, request: web.Request, question: dict[str, Any], fault: Fault
    ) -> web.StreamResponse:
        model = question["model"]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if self.tells_version:
            response.headers[VERSION_HEADER] = f"{model}@1"
        await response.prepare(request)
        await response.write(_chunk(model, {"role": "assistant", "content": ""}))
        await asyncio.sleep(self.first_word_after_s)
        for place, word in enumerate(self.speaks(question) if self.speaks else self.words):
            if place == fault.after_words and (fault.cut or fault.silent or fault.garbage):
                return await self._fail(request, response, fault)
            await response.write(_chunk(model, {"content": word}))
            await asyncio.sleep(self.pace_s)
        if not fault.unfinished:
            await response.write(_chunk(model, {}, finish="stop"))
            if self.total_tokens and question.get("stream_options", {}).get("include_usage"):
                await response.write(_usage(model, self.total_tokens))
            await response.write(b"data: [DONE]\n\n")
        return response

    async def _fail(
        self, request: web.Request, response: web.StreamResponse, fault: Fault
    ) -> web.StreamResponse:
        if fault.silent:
            await asyncio.sleep(3600)
        if fault.garbage is not None:
            await response.write(f"data: {fault.garbage}\n\n".encode())
            return response
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _models(self, request: web.Request) -> web.Response:
        return self._refusal(request) or web.json_response({"object": "list", "data": self.models})

    async def _tokenize(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        if not self.counts_tokens:
            return _error(404, "Not Found")
        text = (await request.json())["prompt"]
        self.tokenized.append(text)
        return web.json_response({"count": len(text.split()), "max_model_len": 1024})

    async def _personas(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        if self.personas is None:
            return _error(404, "Not Found")
        return web.json_response(self.personas, status=self.personas_status)

    async def _admin(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        if request.headers.get("Authorization") != f"Bearer {ADMIN_KEY}":
            return _error(401, "wrong key")
        await asyncio.sleep(self.admin_delay_s)
        status, body = self.admin_answer
        asked: dict[str, Any] = {}
        if request.can_read_body:
            self.questions.append(asked := await request.json())
        if self.admin is not None:
            status, body = await self.admin.answer(request.method, request.path, asked)
        return web.json_response(body, status=status)

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.asked.append(f"{request.method} {request.path}")
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "wrong key")
        return None


@asynccontextmanager
async def model_server(port: int = 0, **settings: Any) -> AsyncIterator[ModelServer]:
    """A running server; `settings` are ModelServer's fields. Ends at once, streams and all."""
    server = ModelServer(**settings)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()


def _chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(body)}\n\n".encode()


def _completion(model: str, words: str, finish: str) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": words},
                "finish_reason": finish,
            }
        ],
    }
    return json.dumps(body).encode()


def _usage(model: str, total: int) -> bytes:
    """The last chunk where usage was asked for: it has no choices."""
    usage = {"prompt_tokens": total - 1, "completion_tokens": 1, "total_tokens": total}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [],
        "usage": usage,
    }
    return f"data: {json.dumps(body)}\n\n".encode()


def _error(status: int, message: str, retry_after: str | None = None) -> web.Response:
    error = {"message": message, "type": "error", "param": None, "code": status}
    headers = {"Retry-After": retry_after} if retry_after else None
    return web.json_response({"error": error}, status=status, headers=headers)
