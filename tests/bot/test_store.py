"""Redis that is away, locked, cut off or brought back."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from bot.errors import MemoryGone, MemoryLocked, WrongSettings
from bot.messages import Incoming
from bot.settings import Settings
from bot.store import Ask
from bot.wiring import App, store, wire
from tests.bot.conftest import settings_for
from tests.bot.test_embedded_redis import pid_of
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap

NOBODY = "redis://:hidden-password@127.0.0.1:1/0"


async def ask(app: App, place: str = "test:store") -> KeptReply:
    reply = KeptReply()
    incoming = Incoming(place, uuid4().hex, "test:Tom", "Tom", "hi")
    await app.conversation.answer(incoming, reply)
    return reply


async def test_a_closed_store_waits_for_what_was_asked_and_takes_no_more(
    settings: Settings, place: str
) -> None:
    """A connection made after the others were closed would be closed by nobody."""
    slow = Ask(
        "local t = redis.call('TIME')[2] for i = 1, 3e6 do t = i end return 1", (place,), (), int
    )
    async with store(settings) as kept:
        asked = asyncio.create_task(kept.ask(slow))
        await asyncio.sleep(0)
    assert asked.done()
    assert asked.result() == 1
    with pytest.raises(MemoryGone):
        await kept.ask(slow)


async def test_an_unreachable_redis_is_a_sentence_within_seconds(
    redis_home: Path, model: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire(settings_for(redis_home, model, redis_url=NOBODY)) as app:
        began = time.monotonic()
        reply = await ask(app)
        assert time.monotonic() - began < 5
    assert reply.final == MemoryGone.spoken
    assert "hidden-password" not in caplog.text


async def test_a_redis_that_hangs_is_a_sentence_too(
    redis_home: Path, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.wiring.REDIS_ANSWER_SECONDS", 0.2)

    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    async with AsyncExitStack() as closing:
        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        closing.callback(server.close)
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with wire(settings_for(redis_home, model, redis_url=url)) as app:
            reply = await asyncio.wait_for(ask(app), 10)
        for writer in held:
            writer.close()
    assert reply.final == MemoryGone.spoken


async def test_a_wrong_password_is_its_own_sentence(redis_home: Path, model: ModelServer) -> None:
    async with wire_tap(redis_home / "run" / "redis.sock") as tap:
        url = tap.url.replace("//", "//nobody:wrong@")
        async with wire(settings_for(redis_home, model, redis_url=url)) as app:
            assert (await ask(app)).final == MemoryLocked.spoken


async def test_a_redis_url_that_is_none_is_refused_without_showing_it(
    redis_home: Path, model: ModelServer
) -> None:
    settings = settings_for(redis_home, model, redis_url="http://:my-password@host")
    with pytest.raises(WrongSettings, match="REDIS_URL") as caught:
        async with wire(settings):
            pass
    assert "my-password" not in str(caught.value)


async def test_a_cut_line_is_not_noticed_by_who_asks_next(
    redis_home: Path, model: ModelServer
) -> None:
    async with (
        wire_tap(redis_home / "run" / "redis.sock") as tap,
        wire(settings_for(redis_home, model, redis_url=tap.url)) as app,
    ):
        await ask(app)
        await tap.cut()
        assert (await ask(app)).final == "Hello there."


async def test_memory_that_goes_away_during_an_answer_does_not_take_the_answer(
    tmp_path: Path, model: ModelServer
) -> None:
    model.pace_s = 0.1
    home = tmp_path / "home"
    async with wire(settings_for(home, model)) as helper:
        del helper
        async with wire_tap(home / "run" / "redis.sock") as tap:
            settings = settings_for(home, model, redis_url=tap.url)
            async with wire(settings) as app:
                reply = KeptReply()
                said = Incoming("test:gone", "1", "test:Tom", "Tom", "hi")
                answering = asyncio.create_task(app.conversation.answer(said, reply))
                await reply.first_draft.wait()
                tap.target = tmp_path / "nothing-here"
                await tap.cut()
                await asyncio.wait_for(answering, 10)
    assert reply.final == "Hello there."


async def test_a_killed_embedded_server_comes_back_for_the_next_message(
    tmp_path: Path, model: ModelServer
) -> None:
    async with wire(settings_for(tmp_path, model)) as app:
        await ask(app)
        await asyncio.sleep(1.1)  # appendfsync everysec
        os.kill(pid_of(tmp_path), signal.SIGKILL)
        assert (await ask(app)).final == "Hello there."
    contents = [m["content"] for m in model.questions[-1]["messages"]]
    assert contents[1:] == ["Tom: hi", "Hello there.", "Tom: hi"]


async def test_nobody_waits_long_for_an_embedded_server_that_hangs(
    tmp_path: Path, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.wiring.REDIS_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("bot.redis_files.HANDSHAKE_SECONDS", 0.3)
    ping = Ask("return 1", ("{test}",), (), int)
    async with store(settings_for(tmp_path, model)) as kept:
        pid = pid_of(tmp_path)
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(30):
                asked = [kept.ask(ping) for _ in range(3)]
                outcomes = await asyncio.gather(*asked, return_exceptions=True)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [type(one) for one in outcomes] == [MemoryGone] * 3
        assert await kept.ask(ping) == 1


async def test_a_cancellation_is_never_swallowed(redis_home: Path, model: ModelServer) -> None:
    async with store(settings_for(redis_home, model)) as kept:
        ping = Ask("return 1", ("{test}",), (), int)
        await kept.ask(ping)
        for moment in range(400):
            asking = asyncio.create_task(kept.ask(ping))
            for _ in range(moment % 20):
                await asyncio.sleep(0)
            if asking.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await asking
