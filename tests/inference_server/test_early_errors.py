"""Errors at a stream's beginning, over a small app that streams as vLLM does."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from inference_server.discretion import discreet
from inference_server.early_errors import (
    CONSTRAINED,
    UNFOLLOWABLE,
    EarlyErrors,
    answer_given_up,
)

TOKEN = 'data: {"id":"x","choices":[{"delta":{"content":"data: {\\"error\\":"}}]}\n\n'
DONE = "data: [DONE]\n\n"


def event(message: str, code: Any, kind: str = "BadRequestError") -> str:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return f"data: {json.dumps({'error': error})}\n\n"


async def asked(response: Response, constrained: bool = True) -> httpx.Response:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, EarlyErrors(send, constrained=constrained))

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        return await client.post("/")


def stream(*events: str) -> Response:
    async def chunks() -> AsyncIterator[str]:
        for one in events:
            yield one

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def test_a_stream_that_begins_with_an_error_becomes_an_answer_with_its_status():
    answer = await asked(stream(event("no such token", 400), DONE))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.json()["error"]["message"] == "no such token"


async def test_the_blame_for_a_grammar_that_can_t_be_followed_is_the_request_s():
    gave_up = event("Internal server error", 500, "InternalServerError")
    answer = await asked(stream(gave_up, DONE))
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, UNFOLLOWABLE)
    late = await asked(stream(TOKEN, gave_up, DONE))
    assert late.status_code == 200
    first, error, done = late.text.split("\n\n")[:3]
    assert (first + "\n\n", done + "\n\n") == (TOKEN, DONE)
    assert json.loads(error[6:])["error"]["code"] == "cannot_follow"


async def test_an_error_that_is_the_server_s_stays_one():
    answer = await asked(stream(event("", 500, "InternalServerError"), DONE))
    assert answer.status_code == 500
    gave_up = event("Internal server error", 500, "InternalServerError")
    assert (await asked(stream(gave_up, DONE), constrained=False)).status_code == 500


async def test_a_stream_without_errors_passes_as_it_is():
    answer = await asked(stream(TOKEN, TOKEN, DONE))
    assert (answer.status_code, answer.text) == (200, TOKEN + TOKEN + DONE)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (await asked(stream())).text == ""


async def test_what_is_no_stream_passes_as_it_is():
    answer = await asked(JSONResponse({"error": "data: {"}, 418))
    assert (answer.status_code, answer.json()) == (418, {"error": "data: {"})


@pytest.mark.parametrize(("status", "answered"), [(500, 400), (503, 503)])
async def test_what_the_engine_gave_up_is_a_refusal_unless_it_may_be_tried_again(status, answered):
    class GaveUp(Exception):
        status_code = status

    scope = {"type": "http", CONSTRAINED: True}
    refused = await answer_given_up(Request(scope), GaveUp("Internal server error"))
    assert refused.status_code == answered
    blameless = await answer_given_up(Request({"type": "http"}), GaveUp(""))
    assert blameless.status_code == (503 if answered == 503 else 500)


def test_the_log_names_the_kind_of_an_error_and_its_place_but_not_its_words():
    try:
        raise KeyError("my sister Rosalind")
    except KeyError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "It %s", ("broke",), sys.exc_info())
    assert discreet(record)
    said = logging.Formatter().format(record)
    assert said.startswith("It broke (KeyError at test_early_errors.py:")
    assert "Rosalind" not in said
