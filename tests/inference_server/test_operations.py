"""What an operator relies on under load: limits, keys that change, metrics, the audit log.

A real server with room for few requests and little patience; one start for all of it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.inference_server.stage import QUESTION, Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PLACES, WAITING, REQUEST_SECONDS = 2, 1, 4
ATTEMPTS = 5
LONG = {"max_tokens": 950, "extra_body": {"ignore_eos": True}, "temperature": 0}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("tight"))
    stage.publish("maya")
    stage.publish("maya")
    (stage.folder / "admins").write_text("ann anns-own-key\n")
    stage.server.environment = {
        "METRICS": "key",
        "METRICS_API_KEY": "metrics-key",
        "MAX_WAITING_REQUESTS": str(WAITING),
        "REQUEST_SECONDS": str(REQUEST_SECONDS),
        "INFERENCE_API_KEYS": "phone=phones-own-key",
        "ADMIN_API_KEYS_FILE": str(stage.folder / "admins"),
    }
    stage.server.arguments = ("--max-num-seqs", str(PLACES))
    stage.server.start()
    try:
        stage.ready = stage.server.wait_until_ready()
        yield stage
    finally:
        stage.server.kill()


def metric(stage: Stage, name: str) -> float:
    """The sum over all series whose name begins so."""
    with stage.server.client("metrics-key") as client:
        lines = client.get("/metrics").text.splitlines()
    values = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)]
    assert values, f"there is no metric {name}"
    return sum(values)


def client_of(stage: Stage) -> openai.AsyncOpenAI:
    server = stage.server
    return openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key=server.inference_key, max_retries=0
    )


def wait_until(so: object, within_s: float = 20) -> None:
    due = time.monotonic() + within_s
    while not so():  # type: ignore[operator]
        assert time.monotonic() < due
        time.sleep(0.1)


async def test_an_answer_that_takes_too_long_is_stopped_and_the_engine_with_it(tight):
    async with client_of(tight) as client:
        ask = {"model": "maya", "messages": [{"role": "user", "content": QUESTION}], **LONG}
        with pytest.raises(openai.InternalServerError) as stopped:
            await client.chat.completions.create(**ask, stop=None)
        assert stopped.value.status_code == 504
        assert stopped.value.body["code"] == "took_too_long"
        stream = await client.chat.completions.create(**ask, stream=True)
        with pytest.raises(openai.APIError, match="not ready within 4 s"):
            async for _ in stream:
                pass
    wait_until(lambda: metric(tight, "vllm:num_requests_running") == 0)
    assert metric(tight, "understudy_running_requests") == 0


async def test_beyond_the_bound_requests_get_429_and_the_others_their_answers(tight):
    refused, held_throughout = [], False
    async with client_of(tight) as client:
        for _ in range(ATTEMPTS):
            began = time.monotonic()
            answers = await crowd(client, WAITING + 5)
            found = [answer for answer in answers if isinstance(answer, openai.RateLimitError)]
            late = [answer for answer in answers if isinstance(answer, openai.InternalServerError)]
            assert all(error.body["code"] == "took_too_long" for error in late)
            assert [a for a in answers if isinstance(a, Exception) and a not in late] == found
            refused += found
            # Later than this the server itself has freed the places that were held.
            if held_throughout := time.monotonic() - began < REQUEST_SECONDS:
                assert (len(found), late) == (
                    5,
                    [],
                )  # how many wait is told by the gate's own tests
                break
    assert held_throughout or refused
    assert {error.body["code"] for error in refused} == {"too_busy"}
    assert all(int(error.response.headers["retry-after"]) >= 1 for error in refused)
    assert metric(tight, 'understudy_refused_total{reason="too_busy"}') == len(refused)
    assert metric(tight, "understudy_waiting_requests") == 0


async def crowd(client: openai.AsyncOpenAI, asking: int) -> list[object]:
    """What so many requests get while all places are held."""
    ask = {"model": "maya", "messages": [{"role": "user", "content": QUESTION}], **LONG}
    held = [await client.chat.completions.create(**ask, stream=True) for _ in range(PLACES)]
    short = {**ask, "max_tokens": 20}
    tasks = [asyncio.create_task(client.chat.completions.create(**short)) for _ in range(asking)]
    while sum(task.done() for task in tasks) < asking - WAITING:
        await asyncio.sleep(0.01)
    for stream in held:
        await stream.close()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_client_that_leaves_frees_its_place(tight):
    async with client_of(tight) as client:
        ask = {"model": "maya", "messages": [{"role": "user", "content": QUESTION}], **LONG}
        for _ in range(PLACES + WAITING + 2):
            stream = await client.chat.completions.create(**ask, stream=True)
            await anext(aiter(stream))
            await stream.close()
        wait_until(lambda: metric(tight, "understudy_running_requests") == 0)
    assert metric(tight, "understudy_requests_total{") >= PLACES + WAITING + 2


def test_every_named_key_works_and_a_file_s_keys_change_without_a_restart(tight):
    def status(key: str) -> int:
        with tight.server.client(key) as client:
            return client.get("/admin/status").status_code

    with tight.server.client("phones-own-key") as client:
        assert client.get("/v1/models").status_code == 200
        assert client.get("/admin/status").status_code == 401
    assert (status("anns-own-key"), status("bobs-own-key")) == (200, 401)
    (tight.folder / "admins").write_text("bob bobs-own-key\n")
    wait_until(lambda: status("bobs-own-key") == 200)
    assert (status("anns-own-key"), status(tight.server.admin_key)) == (401, 200)


def test_metrics_tell_of_personas_versions_and_rollouts(tight):
    assert tight.reload("maya", version=2).status_code == 200
    assert tight.ask("maya").status_code == 200
    answered = '{outcome="ok",persona="maya",route="/v1/chat/completions",version="2"}'
    assert metric(tight, f"understudy_requests_total{answered}") >= 1
    assert metric(tight, 'understudy_tokens_total{kind="completion",persona="maya"') >= 16
    assert metric(tight, 'understudy_rollouts_total{outcome="done",persona="maya"') >= 1
    assert metric(tight, 'understudy_rollout_step_seconds_count{step="load"}') >= 2
    assert metric(tight, 'understudy_serving_version{persona="maya"}') == 2
    assert metric(tight, "understudy_loaded_versions") == 2
    assert metric(tight, "understudy_registry_reachable") == 1
    with tight.server.client() as stranger:
        assert stranger.get("/metrics").status_code == 401


def test_the_audit_log_says_who_did_what_and_what_came_of_it(tight):
    with tight.server.client("bobs-own-key") as bob:
        assert bob.post("/admin/personas/maya/rollback").status_code == 200
        assert bob.post("/admin/personas/maya/reload", json={"version": 9}).status_code == 422
    text = (tight.folder / "logs" / "audit.jsonl").read_text()
    ends = [json.loads(line) for line in text.splitlines()]
    ends = [entry for entry in ends if entry["event"] == "ended" and entry["who"] == "bob"]
    assert [(entry["action"], entry["persona"]) for entry in ends] == [
        ("rollback", "maya"),
        ("reload", "maya"),
    ]
    assert "version 1 serves" in ends[0]["outcome"]
    assert ends[1]["outcome"].startswith("refused: stopped at step validate")
    log = tight.server.log.read_text()
    for key in ("bobs-own-key", "anns-own-key", "phones-own-key", "metrics-key"):
        assert key not in text + log
    assert "Traceback" not in log


def test_two_rollouts_of_a_persona_at_once_are_one_and_a_409(tight):
    async def both() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {tight.server.admin_key}"}
        async with httpx.AsyncClient(base_url=tight.server.url, headers=headers) as client:
            path = "/admin/personas/maya/reload"
            return await asyncio.gather(*(client.post(path, json={}) for _ in range(2)))

    tight.publish("maya")
    answers = sorted(asyncio.run(both()), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["state"] in ("validate", "load", "probe", "commit", "flip")
