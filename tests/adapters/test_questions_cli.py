"""`understudy questions` as a user runs it: interrupted, killed, on a full disk, far from home."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from adapters.dataset import store
from adapters.questions.answers import count
from tests.adapters import essays
from tests.adapters.test_questions import answer, expected, number
from tests.fakes.model import KEY, ModelServer, model_server
from tests.test_front_door import understudy

ROOM = 1 << 16


@pytest.fixture
async def there() -> AsyncIterator[ModelServer]:
    async with model_server(speaks=answer) as server:
        yield server


def little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))


class Run:
    """The command in a process of its own, with the fake server still answering here."""

    def __init__(self, home: Path, there: ModelServer, *more: str, **environment: str) -> None:
        self._arguments = ["-m", "understudy", "questions", "maya", "--model", "base", *more]
        self._arguments += ["--at-once", "1"]
        self._environment = {**os.environ, "UNDERSTUDY_HOME": str(home), **environment}
        if not environment:
            self._arguments += ["--url", there.url]
            self._environment["QUESTIONS_API_KEY"] = KEY
        self._cwd = home
        self.process: asyncio.subprocess.Process | None = None

    async def done(self, preexec: Callable[[], None] | None = None) -> tuple[int, str, str]:
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self._arguments, env=self._environment, cwd=self._cwd,
            stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, preexec_fn=preexec,
        )  # fmt: skip
        async with asyncio.timeout(120):
            out, error = await self.process.communicate()
        return self.process.returncode or 0, out.decode(), error.decode()

    def at(self, place: int, number_of_signal: int) -> Callable[[dict[str, Any]], list[str]]:
        """Answers, and at that chunk sends its asker a signal."""

        def speaks(question: dict[str, Any]) -> list[str]:
            if number(question) == place and self.process:
                self.process.send_signal(number_of_signal)
            return answer(question)

        return speaks


async def test_questions_are_asked_and_the_next_command_is_named(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    status, out, error = await Run(tmp_path, there).done()
    assert (status, out) == (0, "")
    assert error == "10 of 10 rows of maya have a question\nnext: understudy train maya\n"
    status, out, error = await Run(tmp_path, there, "--json").done()
    assert (status, error) == (0, "")
    assert json.loads(out) == {
        "persona": "maya", "model": "base", "rows": 10, "questions": 10, "asked": 0,
        "unanswered": 0, "why": "",
    }  # fmt: skip


async def test_unless_another_is_named_the_inference_server_is_asked(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    status, _, error = await Run(tmp_path, there, INFERENCE_URL=there.url).done()
    assert status == 1
    assert "refuses the key; set INFERENCE_API_KEY" in error
    named = {"INFERENCE_URL": f"{there.url}/v1", "INFERENCE_API_KEY": KEY}
    assert (await Run(tmp_path, there, **named).done())[0] == 0
    assert essays.users(tmp_path) == expected()


async def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, there: ModelServer) -> None:
    essays.write(tmp_path)
    before = store.load(tmp_path, "maya")
    run = Run(tmp_path, there)
    there.speaks = run.at(5, signal.SIGKILL)
    assert (await run.done())[0] == -signal.SIGKILL
    assert store.load(tmp_path, "maya") == before
    assert count(tmp_path, "maya") == 5
    there.speaks = answer
    status, out, _ = await Run(tmp_path, there, "--json").done()
    assert (status, json.loads(out)["asked"]) == (0, 5)
    assert essays.users(tmp_path) == expected()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_a_stopped_run_says_that_what_was_answered_is_kept(
    tmp_path: Path, there: ModelServer, stop: int
) -> None:
    essays.write(tmp_path)
    before = store.load(tmp_path, "maya")
    run = Run(tmp_path, there)
    there.speaks = run.at(5, stop)
    status, out, error = await run.done()
    assert (status, out) == (130, "")
    assert error == "stopped; what was answered is kept: run it again to go on\n"
    assert store.load(tmp_path, "maya") == before
    assert count(tmp_path, "maya") in (5, 6)


async def test_of_two_at_once_the_second_is_refused_and_the_first_goes_on(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    run, stopped = Run(tmp_path, there), asyncio.Event()
    stop = run.at(3, signal.SIGSTOP)

    def speaks(question: dict[str, Any]) -> list[str]:
        if number(question) == 3:
            stopped.set()
        return stop(question)

    there.speaks = speaks
    first = asyncio.create_task(run.done())
    async with asyncio.timeout(120):
        await stopped.wait()
    status, _, error = await Run(tmp_path, there).done()
    assert (status, "are being asked already" in error) == (1, True)
    assert run.process
    run.process.send_signal(signal.SIGCONT)
    assert (await first)[0] == 0
    assert len(there.questions) == 10
    assert essays.users(tmp_path) == expected()


async def test_a_full_disk_leaves_the_old_dataset_whole_and_no_question_is_lost(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path, chunks=40, times=20)
    before = store.load(tmp_path, "maya")
    status, _, error = await Run(tmp_path, there).done(little_room)
    assert status == 1
    assert "can't write to" in error
    assert "Traceback" not in error
    assert store.load(tmp_path, "maya") == before
    assert not list((tmp_path / "datasets").glob(".maya.new-*"))
    status, out, _ = await Run(tmp_path, there, "--json").done()
    assert (status, json.loads(out)["asked"]) == (0, 0)
    assert essays.users(tmp_path) == expected(range(40))


FAR = ("questions", "maya", "--model", "m", "--url", "http://8.8.8.8:9/v1")


def test_far_from_home_it_says_what_would_be_sent_where(tmp_path: Path) -> None:
    essays.write(tmp_path)
    done = understudy(*FAR, cwd=tmp_path, UNDERSTUDY_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "10 chunks of what Maya has written" in done.stderr
    assert "8.8.8.8, which is not in your network, and unencrypted" in done.stderr
    assert "say --yes" in done.stderr
    done = understudy(
        "questions", "maya", "--model", "m", cwd=tmp_path, UNDERSTUDY_HOME=str(tmp_path),
        INFERENCE_URL="https://8.8.8.8",
    )  # fmt: skip
    assert "8.8.8.8, which is not in your network;" in done.stderr


def test_in_a_terminal_it_asks_and_no_is_no(tmp_path: Path) -> None:
    essays.write(tmp_path)
    environment = {**os.environ, "UNDERSTUDY_HOME": str(tmp_path), "COLUMNS": "300"}
    talk = pexpect.spawn(
        sys.executable, ["-m", "understudy", *FAR], env=environment, encoding="utf-8", timeout=60,
        dimensions=(40, 300),
    )  # fmt: skip
    talk.expect(r"unencrypted\. Send it\? \[y/N\]")
    talk.sendline("n")
    talk.expect(pexpect.EOF)
    talk.close()
    assert talk.exitstatus == 1
    assert essays.users(tmp_path)[0] == essays.request(0)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--url", "http://:s3cret@127.0.0.1:1"], "QUESTIONS_API_KEY is the place"),
        (["--url", "nonsense"], "must look like"),
    ],
)
def test_a_wrong_address_is_one_sentence(tmp_path: Path, more: list[str], sentence: str) -> None:
    essays.write(tmp_path)
    asked = ("questions", "maya", "--model", "m", *more)
    done = understudy(*asked, cwd=tmp_path, UNDERSTUDY_HOME=str(tmp_path))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr
