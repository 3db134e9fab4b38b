"""What nobody should send: each is refused as OpenAI refuses, and everybody else is served on.

A few hundred requests made of vLLM's own fields in every run, the same ones each time; thousands
of others in `make soak` (`FUZZ_REQUESTS`, and `FUZZ_SEED` to see a run again).
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.inference_server import fuzzing
from tests.inference_server.hostile import MARKER
from tests.inference_server.processes import resident_mb
from tests.inference_server.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

REQUESTS, MANY_REQUESTS = 300, 5000
PATIENCE_S = 20.0
BETWEEN_GOOD_ONES = 50
MAX_GROWTH_MB = 700
"""vLLM keeps compiled grammars, up to 512 MB of them."""
REFUSALS = {400, 401, 404, 405, 408, 411, 413, 415, 422, 429, 431}
CHAT = fuzzing.CHAT


@dataclass
class NobodyAsks:
    """A listener that counts who connects: an address in a request is not to be fetched."""

    url: str
    visitors: list[str] = field(default_factory=list)


@pytest.fixture
def nobody_asks() -> Iterator[NobodyAsks]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        seen = NobodyAsks(f"http://{host}:{port}")

        def accept() -> None:
            while True:
                try:
                    connection, address = listener.accept()
                except OSError:
                    return
                seen.visitors.append(str(address))
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield seen
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture(scope="session")
def vllm_fields() -> dict[str, Any]:
    return fuzzing.known_to_vllm()


def fault(answer: httpx.Response) -> str | None:
    """What is wrong with an answer; None where it is as good as the request deserves."""
    if answer.status_code == 200:
        streams = answer.headers["content-type"].startswith("text/event-stream")
        return stream_fault(answer.text) if streams else None
    if answer.status_code not in REFUSALS:
        return f"status {answer.status_code}: {answer.text[:500]}"
    return shape_fault(answer.json()["error"]) if answer.content else "an empty answer"


def stream_fault(text: str) -> str | None:
    events = [event[6:] for event in text.split("\n\n") if event.startswith("data: ")]
    if not events or events[-1] != "[DONE]":
        return f"a stream without an end: {text[-300:]!r}"
    for event in events[:-1]:
        if error := json.loads(event).get("error"):
            return shape_fault(error)
    return None


def shape_fault(error: dict[str, Any]) -> str | None:
    fields = {"message": str, "type": str}
    wrong = [name for name, kind in fields.items() if not isinstance(error.get(name), kind)]
    if wrong or not error["message"] or not error.keys() >= {"param", "code"}:
        return f"not OpenAI's error: {error}"
    if isinstance(error["code"], int) and error["code"] >= 500:
        return f"the server takes the blame: {error}"
    return None


class Run:
    """One fuzz run: sends attempts, keeps what went wrong, and looks after everybody else."""

    def __init__(self, stage: Stage, client: httpx.Client) -> None:
        self.stage, self.client, self.sent = stage, client, 0
        self.faults: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.said = stage.says("maya")
        self.log_began = stage.server.log.stat().st_size
        client.timeout = httpx.Timeout(PATIENCE_S)

    def send(self, attempt: fuzzing.Attempt) -> None:
        headers = {"Content-Type": "application/json", **dict(attempt.headers)}
        content = attempt.pieces() if attempt.chunked else attempt.body
        began = time.monotonic()
        try:
            answer = self.client.post(attempt.route, content=content, headers=headers)
            self.statuses[answer.status_code] += 1
            wrong = fault(answer)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            wrong = repr(error)
        if time.monotonic() - began > PATIENCE_S:
            wrong = wrong or f"it took {time.monotonic() - began:.0f} s"
        self.sent += 1
        if wrong:
            self.faults.append(f"{wrong}\n    {attempt}")
            print(self.faults[-1], flush=True)
        if wrong or self.sent % BETWEEN_GOOD_ONES == 0:
            self.look_around()

    def look_around(self) -> None:
        assert self.client.get("/health").status_code == 200
        assert self.stage.says("maya") == self.said

    def log(self) -> str:
        with self.stage.server.log.open("rb") as log:
            log.seek(self.log_began)
            return log.read().decode("utf-8", "replace")


def fuzz(
    stage: Stage, fields: dict[str, Any], nobody: NobodyAsks, requests: int, with_seed: int | None
) -> None:
    assert stage.server.process is not None
    before_mb = resident_mb(stage.server.process.pid)
    with stage.server.client(stage.server.inference_key) as client:
        run = Run(stage, client)
        if with_seed is not None:
            for attempt in fuzzing.singles(fields, nobody.url):
                run.send(attempt)
        send_drawn(run, fuzzing.attempts(fields, nobody.url), requests, with_seed)
        run.look_around()
    grown_mb, log = resident_mb(stage.server.process.pid) - before_mb, run.log()
    counts = dict(run.statuses)
    print(f"{run.sent} requests: {counts}, {len(run.faults)} faults, {grown_mb:+.0f} MB")
    assert not run.faults, "\n".join(run.faults[:20])
    assert run.sent >= requests
    assert run.statuses[200] > requests / 10, "hardly anything reaches the engine"
    assert nobody.visitors == []
    assert MARKER not in log
    assert "Traceback" not in log
    assert grown_mb < MAX_GROWTH_MB


def send_drawn(
    run: Run, attempts: SearchStrategy[fuzzing.Attempt], requests: int, with_seed: int | None
) -> None:
    """The same ones each time where there is no seed."""
    options = settings(
        max_examples=requests, deadline=None, database=None, phases=[Phase.generate],
        derandomize=with_seed is None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    test = options(given(attempts)(run.send))
    (test if with_seed is None else seed(with_seed)(test))()


def test_a_few_hundred_hostile_requests_are_refused_and_nobody_notices(
    stage, vllm_fields, nobody_asks
):
    fuzz(stage, vllm_fields, nobody_asks, REQUESTS, with_seed=None)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_thousands_of_hostile_requests_are_refused_and_nobody_notices(
    stage, vllm_fields, nobody_asks
):
    with_seed = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    print(f"FUZZ_SEED={with_seed}", flush=True)
    requests = int(os.environ.get("FUZZ_REQUESTS") or MANY_REQUESTS)
    fuzz(stage, vllm_fields, nobody_asks, requests, with_seed)


ONE_MB = "hello there " * 87_000
USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'{"model": "maya"}', b'{"model": "maya", "messages": 3}',
     b'{"model": "maya", "messages": [{"role": "user", "content": "\\ud800"}]}',
     b'{"model": "maya", "messages": [], "n": 1e9}', b"\xff\xfe", b'{"messages": "\xff"}',
     json.dumps({"messages": [{"role": "user", "content": ONE_MB}]}).encode(),
     json.dumps({"messages": [USER] * 10_000}).encode(),
     json.dumps({"messages": [USER], "n": "5000", "max_tokens": 4}).encode(),
     json.dumps({"messages": [USER], "temperature": "hot"}).encode()],
)  # fmt: skip
def test_a_bad_request_is_a_4xx_in_openai_s_shape(stage, body):
    with stage.server.client(stage.server.inference_key) as client:
        headers = {"Content-Type": "application/json"}
        began = time.monotonic()
        answer = client.post(CHAT, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert time.monotonic() - began < PATIENCE_S
        assert answer.json()["error"].keys() >= {"message", "type", "param", "code"}
        assert shape_fault(answer.json()["error"]) is None
        assert client.get("/health").status_code == 200


def test_an_unknown_parameter_is_ignored_as_openai_s_clients_expect_of_vllm(stage):
    assert stage.ask("maya", no_such_parameter={"a": [1]}).status_code == 200


@pytest.mark.parametrize("streams", [False, True])
def test_a_bad_request_is_refused_alike_with_and_without_a_stream(stage, streams):
    answer = stage.ask("maya", stream=streams, stop_token_ids=[10**6])
    assert answer.status_code == 400, answer.text
    assert shape_fault(answer.json()["error"]) is None
    assert answer.headers["x-understudy-version"] == "maya@1"


@pytest.mark.parametrize("streams", [False, True])
def test_a_grammar_that_can_t_be_followed_is_not_the_server_s_fault(stage, streams):
    answer = stage.ask("maya", stream=streams, structured_outputs={"grammar": "root ::= root"})
    assert fault(answer) is None, answer.text
    assert '"error"' in answer.text
