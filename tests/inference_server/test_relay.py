"""Aliases and the relay over a small app that answers as vLLM does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from inference_server.aliases import Aliases, engine_name
from inference_server.answer import VERSION_HEADER
from inference_server.errors import NotReadyYet, UnknownModel
from inference_server.gate import Gate
from inference_server.metrics import Metrics
from inference_server.relay import Relay

CHAT = "/v1/chat/completions"
MAX_BODY_BYTES = 1 << 20
USAGE = {"prompt_tokens": 7, "total_tokens": 9, "completion_tokens": 2}


async def chat(request: Request) -> Response:
    """The model that was asked for in vLLM's places, and once more inside a text."""
    body = await request.json()
    model = body["model"]
    said = f'"model":"{model}"'

    def event(**fields: object) -> str:
        chunk = {"id": "x", "model": model, **fields}
        return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"

    async def events() -> AsyncIterator[str]:
        yield event(choices=[{"delta": {"role": "assistant", "content": ""}}])
        for word in ("one", said):
            await asyncio.sleep(body.get("pace_s", 0))
            yield event(choices=[{"delta": {"content": word}}])
        if body["stream_options"]["include_usage"]:
            yield event(choices=[], usage=USAGE)
        yield "data: [DONE]\n\n"

    if body.get("stream"):
        return StreamingResponse(events(), media_type="text/event-stream")
    await asyncio.sleep(body.get("pace_s", 0))
    return JSONResponse({"model": model, "said": said, "usage": USAGE})


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
def app(aliases: Aliases, metrics: CollectorRegistry) -> Starlette:
    app = Starlette(routes=[Route(CHAT, chat, methods=["POST"])], middleware=[Middleware(Relay)])
    app.state.understudy = SimpleNamespace(
        aliases=aliases, gate=Gate(2, 1), metrics=Metrics(metrics), request_seconds=30.0,
        max_body_bytes=MAX_BODY_BYTES, engine=SimpleNamespace(engines=2, max_context=2048),
    )  # fmt: skip
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


def chunks(answer: httpx.Response) -> list[dict]:
    lines = [line for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


async def test_every_chunk_of_a_stream_says_who_was_asked(client):
    answer = await client.post(CHAT, json={"model": "maya", "stream": True})
    assert [chunk["model"] for chunk in chunks(answer)] == ["maya"] * 3
    assert chunks(answer)[2]["choices"][0]["delta"]["content"] == '"model":"maya@2"'


async def test_token_counts_end_a_stream_only_where_the_client_asked_for_them(client):
    asked = {"model": "maya", "stream": True}
    silent = await client.post(CHAT, json={**asked, "stream_options": {"include_usage": False}})
    counted = await client.post(CHAT, json={**asked, "stream_options": {"include_usage": True}})
    assert all("usage" not in chunk for chunk in chunks(silent))
    assert chunks(counted)[-1]["usage"] == USAGE
    assert chunks(counted)[-1]["model"] == "maya"


async def test_answers_are_measured_by_persona_and_version(client, metrics):
    for asked, stream in (("maya", True), ("maya@1", False), ("tom", False)):
        assert (await client.post(CHAT, json={"model": asked, "stream": stream})).status_code == 200

    def read(name: str, persona: str, version: str, **labels: str) -> float | None:
        labels = {"persona": persona, "version": version, **labels}
        return metrics.get_sample_value(f"understudy_{name}", labels)

    for persona, version in (("maya", "2"), ("maya", "1"), ("tom", "base")):
        assert read("requests_total", persona, version, route=CHAT, outcome="ok") == 1
        assert read("tokens_total", persona, version, kind="prompt") == 7
        assert read("tokens_total", persona, version, kind="completion") == 2
        assert read("request_seconds_count", persona, version) == 1
    assert read("first_token_seconds_count", "maya", "2") == 1
    assert read("between_tokens_seconds_count", "maya", "2") == 1
    await client.post(CHAT, json={"model": "../../nobody"})
    assert metrics.get_sample_value("understudy_refused_total", {"reason": "model_not_found"}) == 1
    assert "nobody" not in generate_latest(metrics).decode()


async def test_an_answer_that_takes_too_long_is_stopped_and_said(app, client):
    app.state.understudy.request_seconds = 0.05
    whole = await client.post(CHAT, json={"model": "maya", "pace_s": 10})
    assert (whole.status_code, whole.json()["error"]["code"]) == (504, "took_too_long")
    assert whole.headers["x-should-retry"] == "false"
    stream = await client.post(CHAT, json={"model": "maya", "pace_s": 10, "stream": True})
    assert stream.status_code == 200
    assert chunks(stream)[-1]["error"]["code"] == "took_too_long"
    assert app.state.understudy.gate.running == 0


async def test_beyond_the_line_a_request_is_told_when_to_come_back(app, client, metrics):
    gate = app.state.understudy.gate
    slow = {"model": "maya", "pace_s": 0.2}
    asked = [asyncio.create_task(client.post(CHAT, json=slow)) for _ in range(3)]
    while gate.waiting < 1:
        await asyncio.sleep(0.005)
    assert gate.running == 2
    refused = await client.post(CHAT, json=slow)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_busy")
    assert int(refused.headers["retry-after"]) >= 1
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
    assert (gate.running, gate.waiting) == (0, 0)
    too_many = await client.post(CHAT, json={"model": "maya", "n": 3})
    assert too_many.status_code == 400


async def test_time_spent_waiting_counts(app, client):
    app.state.understudy.request_seconds = 0.05
    gate = app.state.understudy.gate
    place = gate.take(2)
    late = await client.post(CHAT, json={"model": "maya"})
    assert late.status_code == 504
    place.leave()
    assert (gate.running, gate.waiting) == (0, 0)
    app.state.understudy.request_seconds = 30
    assert (await client.post(CHAT, json={"model": "maya"})).status_code == 200


async def test_a_waiting_request_is_answered_by_the_version_that_serves_when_it_is_let_in(
    app, client, aliases
):
    gate = app.state.understudy.gate
    place = gate.take(2)
    waiting = asyncio.create_task(client.post(CHAT, json={"model": "maya"}))
    while not gate.waiting:
        await asyncio.sleep(0.005)
    aliases.point("maya", "maya@1")
    place.leave()
    assert (await waiting).headers[VERSION_HEADER] == "maya@1"


async def test_of_the_client_s_headers_only_harmless_ones_reach_the_engine(app, client):
    seen: dict[str, str] = {}

    async def look(request: Request) -> Response:
        seen.clear()
        seen.update(request.headers)
        return JSONResponse({})

    app.router.routes[:] = [Route(CHAT, look, methods=["POST"])]
    sent = {"X-Request-Id": "1", "Priority": "9", "traceparent": "x", "Authorization": "Bearer k"}
    for rank, passed in (("1", True), ("2", False), ("-1", False), ("9" * 5000, False)):
        headers = {**sent, "X-data-parallel-rank": rank}
        assert (await client.post(CHAT, json={}, headers=headers)).status_code == 200
        assert ("x-data-parallel-rank" in seen) is passed
        assert not seen.keys() & {name.lower() for name in sent}
        assert seen["content-type"] == "application/json"


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
