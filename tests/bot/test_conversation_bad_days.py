"""Answers that break off, are stopped or cut off, and platforms that fail."""

import asyncio
from pathlib import Path

import pytest

from bot.errors import ModelBroke, ModelGone, StoppingNow
from bot.wiring import App, wire
from tests.bot.asked import ask, message
from tests.bot.conftest import settings_for
from tests.fakes.model import Fault, ModelServer, model_server
from tests.fakes.reply import KeptReply


async def test_an_answer_that_breaks_off_is_kept_and_shown_with_a_note(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.append(Fault(after_words=2, cut=True))
    reply = await ask(app, place)
    assert reply.final == f"Hello there …\n({ModelBroke.spoken})"
    assert reply.speaker == "maya"
    assert isinstance(reply.failure, ModelBroke)
    await ask(app, place, "go on")
    contents = [m["content"] for m in model.questions[-1]["messages"]]
    assert contents[1:] == ["Tom: hi", "Hello there", "Tom: go on"]


async def test_a_dead_server_is_a_sentence_and_the_next_message_is_answered(
    redis_home: Path, place: str
) -> None:
    async with model_server() as server:
        settings = settings_for(redis_home, server)
    async with wire(settings) as app:
        assert (await asyncio.wait_for(ask(app, place), 5)).final == ModelGone.spoken
        port = int(server.url.rsplit(":", 1)[1])
        async with model_server(port):
            assert (await ask(app, place)).final == "Hello there."


async def test_cancelling_stops_the_answer_and_keeps_what_was_said(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.append(Fault(after_words=1, silent=True))
    reply = KeptReply()
    answering = asyncio.create_task(app.conversation.answer(message(place), reply))
    await reply.first_draft.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert reply.final == "Hello …\n(Stopped.)"
    assert (await asyncio.wait_for(ask(app, place, "next"), 2)).final == "Hello there."
    assert "Hello" in [m["content"] for m in model.questions[-1]["messages"]]


async def test_a_stop_lets_answers_finish_and_takes_no_new_messages(
    app: App, place: str, model: ModelServer
) -> None:
    model.pace_s = 0.05
    reply = KeptReply()
    answering = asyncio.create_task(app.conversation.answer(message(place), reply))
    await reply.first_draft.wait()
    await app.conversation.drain()
    assert reply.final == "Hello there."
    assert (await ask(app, place, "too late")).silent
    await answering


async def test_a_stop_cuts_off_who_is_too_slow_and_shows_what_there_is(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.append(Fault(after_words=2, silent=True))
    reply, waiting = KeptReply(), KeptReply()
    tasks = [asyncio.create_task(app.conversation.answer(message(place), reply))]
    await reply.first_draft.wait()
    tasks.append(asyncio.create_task(app.conversation.answer(message(place), waiting)))
    await asyncio.sleep(0.05)
    await app.conversation.drain(within_s=3.1)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert reply.final == f"Hello there …\n({StoppingNow.spoken})"
    assert waiting.final == StoppingNow.spoken


class BrokenReply(KeptReply):
    async def draft(self, text: str) -> None:
        raise ConnectionResetError("the platform is gone")


async def test_a_platform_that_fails_leaves_the_conversation_free(app: App, place: str) -> None:
    reply = BrokenReply()
    with pytest.raises(ConnectionResetError):
        await app.conversation.answer(message(place), reply)
    assert reply.finishes == 1
    assert (await asyncio.wait_for(ask(app, place), 2)).final == "Hello there."
