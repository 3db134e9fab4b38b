"""People type in bursts: what comes before an answer's first words joins the turn."""

from __future__ import annotations

import asyncio
from itertools import count
from uuid import uuid4

import pytest

from bot.floor import BURST_MAX
from bot.messages import Incoming
from bot.settings import Settings
from bot.wiring import App, wire
from tests.fakes.model import Fault, ModelServer
from tests.fakes.reply import KeptReply

_ids = count(1)


@pytest.fixture
def place() -> str:
    return f"test:{uuid4()}"


def said(place: str, text: str, author: str = "Tom") -> Incoming:
    return Incoming(place, str(next(_ids)), f"test:{author}", author, text)


def lines(model: ModelServer, question: int = -1) -> list[str]:
    """What people said, as the model was asked."""
    asked = model.questions[question]["messages"]
    return "\n".join(one["content"] for one in asked if one["role"] == "user").splitlines()


async def until_asked(model: ModelServer, times: int) -> None:
    async with asyncio.timeout(5):
        while len(model.questions) < times:
            await asyncio.sleep(0.005)


class Talk:
    """Messages sent one after the other, each as soon as the model has heard the one before."""

    def __init__(self, app: App, model: ModelServer, place: str) -> None:
        self._app, self._model, self._place = app, model, place
        self._tasks: list[asyncio.Task[None]] = []
        self.replies: list[KeptReply] = []

    async def says(self, text: str, author: str = "Tom", *, heard: bool = True) -> KeptReply:
        reply = KeptReply()
        before = len(self._model.questions)
        answer = self._app.conversation.answer(said(self._place, text, author), reply)
        self._tasks.append(asyncio.create_task(answer))
        self.replies.append(reply)
        if heard:
            await until_asked(self._model, before + 1)
        return reply

    async def ends(self) -> list[str | None]:
        await asyncio.gather(*self._tasks)
        return [reply.final for reply in self.replies]


@pytest.fixture
def talk(app: App, model: ModelServer, place: str) -> Talk:
    model.first_word_after_s = 0.3
    return Talk(app, model, place)


async def test_what_comes_before_the_first_words_joins_the_turn(talk: Talk, model: ModelServer):
    for text in ("wait", "I mean", "how are you?"):
        await talk.says(text)
    assert await talk.ends() == [None, None, "Hello there."]
    assert [reply.withdrawn for reply in talk.replies] == [True, True, False]
    assert lines(model) == ["Tom: wait", "Tom: I mean", "Tom: how are you?"]
    assert len(model.questions) == 3
    model.first_word_after_s = 0
    await talk.says("and now?")
    await talk.ends()
    assert [one["role"] for one in model.questions[-1]["messages"]][-3:] == [
        "user",
        "assistant",
        "user",
    ]


async def test_what_comes_later_waits_its_turn(talk: Talk, model: ModelServer):
    model.pace_s = 0.1
    first = await talk.says("hi")
    await first.first_draft.wait()
    await talk.says("one more", heard=False)
    assert await talk.ends() == ["Hello there.", "Hello there."]
    assert not first.withdrawn


async def test_somebody_else_s_message_is_a_turn_of_its_own(talk: Talk):
    await talk.says("hi")
    await talk.says("me too", author="Ines", heard=False)
    assert await talk.ends() == ["Hello there.", "Hello there."]


async def test_who_waits_behind_somebody_else_may_add_to_it_too(talk: Talk, model: ModelServer):
    await talk.says("hi", author="Ines")
    first = await talk.says("and", heard=False)
    await talk.says("me?", heard=False)
    assert await talk.ends() == ["Hello there.", None, "Hello there."]
    assert first.withdrawn
    assert not first.worked
    assert lines(model)[-2:] == ["Tom: and", "Tom: me?"]


async def test_whoever_never_stops_typing_is_answered_all_the_same(talk: Talk):
    for number in range(BURST_MAX):
        await talk.says(f"{number}")
    await talk.says("more", heard=False)
    finals = await talk.ends()
    assert finals == [*[None] * (BURST_MAX - 1), "Hello there.", "Hello there."]


async def test_a_model_that_fails_before_its_first_word_is_said_once(
    talk: Talk, model: ModelServer
):
    await talk.says("hi")
    model.faults.append(Fault(status=400))
    await talk.says("there")
    first, last = await talk.ends()
    assert first is None
    assert last
    assert "Hello" not in last


async def test_a_message_over_the_limit_joins_nothing(settings: Settings, model: ModelServer):
    model.first_word_after_s = 0.3
    limited = settings.model_copy(update={"limit_messages_per_minute": 1})
    async with wire(limited) as app:
        author = f"author-{uuid4()}"
        talk = Talk(app, model, f"test:{uuid4()}")
        await talk.says("hi", author)
        over = await talk.says("more", author, heard=False)
        assert await talk.ends() == ["Hello there.", None]
        assert over.noticed is not None


async def test_a_cancelled_answer_is_stopped_and_not_taken_for_a_joined_one(
    app: App, model: ModelServer, place: str
):
    model.first_word_after_s = 30
    reply = KeptReply()
    answering = asyncio.create_task(app.conversation.answer(said(place, "hi"), reply))
    await until_asked(model, 1)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert reply.finishes == 1
    assert not reply.withdrawn


async def test_a_waiting_window_asks_the_model_once_for_a_whole_burst(
    settings: Settings, model: ModelServer, place: str
):
    async with wire(settings.model_copy(update={"burst_seconds": 0.2})) as app:
        talk = Talk(app, model, place)
        for text in ("one", "two", "three"):
            reply = await talk.says(text, heard=False)
            async with asyncio.timeout(5):
                while not reply.worked:
                    await asyncio.sleep(0.005)
        assert await talk.ends() == [None, None, "Hello there."]
    assert len(model.questions) == 1
    assert lines(model) == ["Tom: one", "Tom: two", "Tom: three"]
