"""Two engines behind one server: both hold a version and speak it alike before it serves."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from inference_server.errors import RolloutFailed
from inference_server.part import Step
from tests.inference_server import witness
from tests.inference_server.leftovers import family, left_of
from tests.inference_server.small_engine import GOOD, NOT_FINITE, SILENT, SmallEngine
from tests.inference_server.stage import QUESTION, Stage
from tests.inference_server.witness import PROBED, REMOVED, read_notes

RANKS = (0, 1)
STREAMS_PER_ENGINE = 2


class Pair(Stage):
    """A server with two engines; vLLM lets a header choose between them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server.module = witness.MODULE
        self.server.arguments = ("--data-parallel-size", "2")

    def ask_engine(self, rank: int, model: str) -> httpx.Response:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": QUESTION}],
            **witness.GREEDY,
        }
        headers = {"X-data-parallel-rank": str(rank)}
        with self.server.client(self.server.inference_key) as client:
            answer = client.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    def engines_say(self, model: str) -> list[str]:
        return [text_of(self.ask_engine(rank, model)) for rank in RANKS]

    @contextmanager
    def streams(self) -> Iterator[list[httpx.Response]]:
        """Answers of maya by each engine, asked for all the time."""
        heard: list[httpx.Response] = []
        enough = threading.Event()

        def listen(rank: int) -> None:
            while not enough.is_set():
                heard.append(self.ask_engine(rank, "maya"))

        ranks = RANKS * STREAMS_PER_ENGINE
        listeners = [threading.Thread(target=listen, args=(rank,)) for rank in ranks]
        for listener in listeners:
            listener.start()
        try:
            yield heard
        finally:
            enough.set()
            for listener in listeners:
                listener.join()


def text_of(answer: httpx.Response) -> str:
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


def version_of(answer: httpx.Response) -> str:
    return answer.headers["x-understudy-version"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    for _ in range(3):
        pair.publish("maya")
    pair.server.start()
    try:
        pair.server.wait_until_ready()
        yield pair
    finally:
        pair.server.kill()


@pytest.fixture
async def engine() -> SmallEngine:
    return SmallEngine(engines=2)


@pytest.mark.parametrize("answer", [SILENT, NOT_FINITE])
async def test_a_version_that_one_of_two_engines_answers_badly_is_not_served(
    rollouts, publish, engine, aliases, answer
):
    publish()
    await rollouts.reload("maya")
    publish()
    engine.answers_of[1] = {"maya@2": answer, "base": GOOD}
    with pytest.raises(RolloutFailed) as failure:
        await rollouts.reload("maya")
    assert failure.value.step == Step.PROBE
    assert aliases.resolve("maya") == "maya@1"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_both_engines_hold_a_version_and_speak_it_alike_before_the_flip(pair):
    first = pair.engines_say("maya")
    with pair.streams() as heard:
        while len(heard) < len(RANKS) * STREAMS_PER_ENGINE:
            time.sleep(0.05)
        reloaded = pair.reload("maya", version=2)
        right_after = [version_of(pair.ask_engine(rank, "maya")) for rank in RANKS]
    assert reloaded.status_code == 200, reloaded.text
    assert right_after == ["maya@2", "maya@2"]

    before_the_flip = read_notes(pair.folder, PROBED, "maya@2")
    assert before_the_flip["holds"] == [["maya@1", "maya@2"]] * 2
    second = pair.engines_say("maya")
    assert first[0] == first[1] != second[0] == second[1]
    assert before_the_flip["says"] == second
    assert pair.engines_say("maya@1") == first
    assert {version_of(answer) for answer in heard} == {"maya@1", "maya@2"}
    said = {"maya@1": first[0], "maya@2": second[0]}
    assert [text_of(answer) for answer in heard] == [said[version_of(answer)] for answer in heard]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_retired_version_leaves_both_engines(pair):
    assert pair.reload("maya", version=3).status_code == 200
    while len(pair.status("maya")["loaded"]) > 2:
        time.sleep(0.05)
    assert read_notes(pair.folder, REMOVED, "maya@1")["holds"] == [["maya@2", "maya@3"]] * 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_server_leaves_no_engine_and_no_coordinator(pair):
    started = family(pair.server.process.pid)
    names = " ".join(process.name() for process in started)
    assert (names.count("EngineCore"), names.count("DPCoordinator")) == (2, 1)
    os.kill(pair.server.process.pid, signal.SIGKILL)
    assert pair.server.ended(timeout_s=10) == -signal.SIGKILL
    assert not left_of(started)
