"""The terminal as people use it: a real pseudo-terminal, a pipe, and one line."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from bot.errors import ModelGone, UnknownPersona
from bot.platforms.terminal import ask, chat, printable
from tests.bot.conftest import settings_for
from tests.fakes.model import KEY, Fault, ModelServer, model_server, persona

PROJECT = Path(__file__).parents[2]
TALK = (
    "import asyncio; from bot.settings import load; from bot.platforms.terminal import chat;"
    " asyncio.run(chat(load()))"
)


def environment(home: Path, model: ModelServer) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "UNDERSTUDY_HOME": str(home),
        "INFERENCE_URL": model.url,
        "INFERENCE_API_KEY": KEY,
        "LIMIT_MESSAGES_PER_MINUTE": "0",
        "TERM": "xterm",
        "LOGNAME": "sam",
    }


async def piped(home: Path, model: ModelServer, lines: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", TALK],
        input=lines,
        env=environment(home, model),
        capture_output=True,
        text=True,
        timeout=30,
    )


@contextmanager
def terminal(home: Path, model: ModelServer) -> Iterator["pexpect.spawn[str]"]:
    child = pexpect.spawn(
        sys.executable, ["-c", TALK], env=environment(home, model), encoding="utf-8", timeout=15
    )
    try:
        yield child
    finally:
        child.close(force=True)


async def test_once_prints_the_reply_alone_and_remembers_nothing(
    tmp_path: Path, model: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path / "home", model)
    for _ in range(2):
        await chat(settings, once="hi")
        assert capsys.readouterr().out == "Hello there.\n"
    assert [m["role"] for m in model.questions[-1]["messages"]] == ["system", "user"]
    assert not (tmp_path / "home").exists()  # not even a Redis


async def test_once_that_fails_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    async with model_server() as server:
        settings = settings_for(tmp_path, server)
        with pytest.raises(UnknownPersona, match="maya"):
            await ask(settings, "hi", "zoe")
    with pytest.raises(ModelGone):
        await ask(settings, "hi")


async def test_a_pipe_gets_one_reply_a_line_and_nothing_else(
    tmp_path: Path, model: ModelServer
) -> None:
    model.personas = [persona("maya"), persona("tom")]
    lines = "hi\n\n/persona tom\nand you?\n/persona zoe\n/reset\nlast"
    done = await piped(tmp_path, model, lines)
    assert done.returncode == 0
    assert done.stdout == "Hello there.\n" * 3
    assert "You talk with Tom." in done.stderr
    assert "I know nobody called “zoe”. I can be: maya, tom." in done.stderr
    assert [q["model"] for q in model.questions] == ["maya", "tom", "tom"]
    assert model.questions[1]["messages"][1]["content"] == (
        "sam: hi\nMaya: Hello there.\nsam: and you?"
    )
    assert model.questions[2]["messages"][1]["content"] == "sam: last"


async def test_a_conversation_goes_on_where_it_ended(tmp_path: Path, model: ModelServer) -> None:
    await piped(tmp_path, model, "first\n")
    await piped(tmp_path, model, "second\n")
    said = [m["content"] for m in model.questions[-1]["messages"]]
    assert said[1:] == ["sam: first", "Hello there.", "sam: second"]


async def test_a_talk_streams_and_ctrl_c_stops_an_answer_and_ctrl_d_leaves(
    tmp_path: Path, model: ModelServer
) -> None:
    def talk() -> None:
        with terminal(tmp_path, model) as child:
            child.expect("You talk with Maya")
            child.expect("› ")
            child.sendline("hi")
            child.expect(re.escape("Hello there."))
            child.expect("› ")
            model.faults.append(Fault(after_words=1, silent=True))
            child.sendline("slowly")
            child.expect("Maya")
            child.expect("Hello")
            child.sendintr()
            child.expect(re.escape("(Stopped.)"))
            child.expect("› ")
            child.sendline("again")
            child.expect(re.escape("Hello there."))
            child.expect("› ")
            child.sendeof()
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == 0

    await asyncio.to_thread(talk)
    said = [m["content"] for m in model.questions[-1]["messages"]]
    assert said[-2:] == ["Hello", "sam: again"]


async def test_ctrl_c_at_the_prompt_leaves_and_stops_what_was_started(
    tmp_path: Path, model: ModelServer
) -> None:
    def talk() -> None:
        with terminal(tmp_path, model) as child:
            child.expect("› ")
            assert (tmp_path / "run" / "redis.json").exists()
            child.send("half a line")
            child.expect("line")
            child.sendintr()
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == 0

    await asyncio.to_thread(talk)
    assert not (tmp_path / "run" / "redis.json").exists()


async def test_a_busy_model_is_a_line_that_the_answer_replaces(
    tmp_path: Path, model: ModelServer
) -> None:
    def talk() -> None:
        with terminal(tmp_path, model) as child:
            child.expect("› ")
            model.faults.append(Fault(status=429, retry_after="1"))
            child.sendline("hi")
            child.expect(re.escape("\r\x1b[K\x1b[2mI am busy right now. One moment, please …"))
            child.expect(re.escape("\r\x1b[K") + ".*Maya.*" + re.escape("Hello there."))
            child.expect("› ")

    await asyncio.to_thread(talk)
    model.faults.append(Fault(status=429, retry_after="1"))
    done = await piped(tmp_path, model, "hi\n")
    assert done.stdout == "Hello there.\n"
    assert "I am busy right now" in done.stderr


async def test_who_asks_too_much_is_told_beside_the_talk(
    tmp_path: Path, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMIT_TOKENS_PER_DAY", "1")
    done = await piped(tmp_path, model, "hi\nand you?\nhello?\n")
    assert done.stdout == "Hello there.\n"
    assert done.stderr.count("That was a lot for a day.") == 1
    assert "(still too much at once)" in done.stderr


async def test_an_answer_cannot_steer_the_terminal(tmp_path: Path, model: ModelServer) -> None:
    model.words = ["\x1b]0;owned\x07", "\x1b[2J", "red\x9b31m", " \u202egnp"]
    model.personas = [persona("maya", display_name="Ma\x1b[1mya")]
    done = await piped(tmp_path, model, "hi\n")
    assert done.stdout == "]0;owned[2Jred31m gnp\n"
    assert "\x1b" not in done.stdout + done.stderr


def test_what_is_printed_keeps_every_letter_and_line() -> None:
    assert printable("Zoë 👩‍👩‍👧 \t ok\n") == "Zoë 👩‍👩‍👧 \t ok\n"
    assert printable("a\r\x08\x1b[0mb") == "a[0mb"
