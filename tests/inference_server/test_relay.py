"""Aliases and the relay over a small app that answers as vLLM does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from inference_server.aliases import Aliases, engine_name
from inference_server.errors import NotReadyYet, UnknownModel
from inference_server.relay import MAX_BODY_BYTES, VERSION_HEADER, Relay

CHAT = "/v1/chat/completions"


async def chat(request: Request) -> Response:
    """The model that was asked for in vLLM's places, and once more inside a text."""
    body = await request.json()
    model = body["model"]
    said = f'"model":"{model}"'

    async def events() -> AsyncIterator[str]:
        for word in ("one", said):
            chunk = {"id": "x", "model": model, "choices": [{"delta": {"content": word}}]}
            yield f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"
        yield "data: [DONE]\n\n"

    if body.get("stream"):
        return StreamingResponse(events(), media_type="text/event-stream")
    return JSONResponse({"model": model, "said": said, "length": len(await request.body())})


@pytest.fixture
def aliases() -> Aliases:
    aliases = Aliases()
    for version in (1, 2):
        aliases.open(f"maya@{version}")
    aliases.point("maya", "maya@2")
    aliases.point("tom", "base")
    aliases.expect("late")
    return aliases


@pytest.fixture
def app(aliases: Aliases) -> Starlette:
    app = Starlette(routes=[Route(CHAT, chat, methods=["POST"])], middleware=[Middleware(Relay)])
    app.state.understudy = SimpleNamespace(aliases=aliases)
    return app


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "answering"),
    [("maya", "maya@2"), ("maya@1", "maya@1"), ("base", "base"), ("tom", "base")],
)
async def test_the_answer_says_who_was_asked_and_the_header_who_answered(client, asked, answering):
    answer = await client.post(CHAT, json={"model": asked, "messages": []})
    assert answer.json()["model"] == asked
    assert answer.headers[VERSION_HEADER] == answering
    assert answer.json()["said"] == f'"model":"{answering}"'
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_every_chunk_of_a_stream_says_who_was_asked(client):
    answer = await client.post(CHAT, json={"model": "maya", "stream": True})
    chunks = [json.loads(line[6:]) for line in answer.text.split("\n\n")[:2]]
    assert [chunk["model"] for chunk in chunks] == ["maya", "maya"]
    assert chunks[1]["choices"][0]["delta"]["content"] == '"model":"maya@2"'


async def test_no_model_means_the_base(client):
    answer = await client.post(CHAT, json={"model": None, "messages": []})
    assert answer.headers[VERSION_HEADER] == "base"


@pytest.mark.parametrize("asked", ["mayo", "maya@3", "maya@", "../maya", "", "late@1", "x" * 9999])
async def test_an_unknown_name_is_not_found_in_openai_s_shape(client, asked):
    answer = await client.post(CHAT, json={"model": asked})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("model", "model_not_found")
    assert len(answer.content) < 400


async def test_a_persona_that_is_still_loading_asks_for_patience(client):
    answer = await client.post(CHAT, json={"model": "late"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"maya"', b"\xff\xfe\x00", b"[" * 200_000, b'{"model": 3}']
)
async def test_a_body_that_is_no_request_is_a_bad_request(client, body):
    answer = await client.post(CHAT, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}


async def test_a_body_over_the_limit_is_refused_with_and_without_a_length(client):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536

    told = await client.post(CHAT, content=b" " * (MAX_BODY_BYTES + 1))
    untold = await client.post(CHAT, content=endless())
    assert (told.status_code, untold.status_code) == (413, 413)


async def test_a_version_drains_when_its_last_request_ends(aliases):
    with aliases.lease("maya"):
        aliases.point("maya", "maya@1")
        drained = asyncio.create_task(aliases.drained("maya@2"))
        with aliases.lease("maya@2"):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not drained.done()
        assert aliases.in_flight("maya@2") == 1
        assert aliases.resolve("maya") == "maya@1"
    await asyncio.wait_for(drained, 1)
    assert aliases.in_flight("maya@2") == 0


async def test_a_request_is_counted_until_its_stream_has_ended(app, aliases):
    seen: list[int] = []

    async def send(message):
        seen.append(aliases.in_flight("maya@2"))

    messages = [{"type": "http.request", "body": b'{"model": "maya", "stream": true}'}]

    async def receive():
        if messages:
            return messages.pop()
        return await asyncio.Future()  # a client that stays

    scope = {"type": "http", "method": "POST", "path": CHAT, "headers": [], "query_string": b""}
    await app({**scope, "app": app}, receive, send)
    assert set(seen) == {1}
    assert aliases.in_flight("maya@2") == 0


def test_a_closed_version_can_no_longer_be_asked_for(aliases):
    aliases.close("maya@1")
    with pytest.raises(UnknownModel):
        aliases.resolve("maya@1")
    with pytest.raises(NotReadyYet):
        aliases.resolve("late")
    assert (engine_name("maya", 3), engine_name("maya", None)) == ("maya@3", "base")
