"""A person's power over what is remembered of them, wherever they spoke."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from redis.crc import key_slot

from bot.memory import Answered
from bot.messages import Incoming
from bot.people import Forgotten
from bot.store import Ask, Store
from bot.votes import Side
from bot.wiring import App, wire
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap

_ids = count(1)


@pytest.fixture
def tom() -> str:
    return f"test:Tom-{uuid4()}"


@pytest.fixture
def ines() -> str:
    return f"test:Ines-{uuid4()}"


async def say(app: App, place: str, author: str, text: str = "hi") -> Answered:
    """Asks, and finds the answer as it is remembered."""
    id_ = str(next(_ids))
    asked = Incoming(place, id_, author, author[5:9], text)
    await app.conversation.answer(asked, KeptReply(shown_as=(f"{id_}a",)))
    found = await app.memory.turn(place, f"{id_}a")
    assert found is not None
    return found


async def test_somebody_unknown_has_nothing(app: App, tom: str) -> None:
    overview = await app.people.show(tom)
    assert (overview.conversations, overview.messages, overview.feedback) == ((), 0, 0)
    assert await app.people.forget(tom) == Forgotten(0, 0)
    nothing: list[object] = []
    assert await app.people.export(tom) == {
        "author_id": tom,
        "messages": nothing,
        "feedback": nothing,
        "kept_with_feedback": nothing,
        "voted_at": nothing,
    }


async def test_everything_said_anywhere_is_found(app: App, place: str, tom: str, ines: str) -> None:
    for where, text in ((place, "one"), (f"{place}-2", "two"), (place, "three")):
        await say(app, where, tom, text)
    await say(app, place, ines, "mine")
    overview = await app.people.show(tom)
    found = {one.conversation: one.messages for one in overview.conversations}
    assert found == {place: 2, f"{place}-2": 1}
    assert overview.conversations[0].conversation == place, "the latest comes first"
    assert overview.messages == 3
    for one in overview.conversations:
        assert one.oldest is not None
        assert one.newest is not None
        assert 1_700_000_000 < one.oldest <= one.newest


async def test_who_is_forgotten_is_forgotten_everywhere_and_others_are_not(
    app: App, place: str, tom: str, ines: str, model: ModelServer
) -> None:
    answered = await say(app, place, tom, "secret one")
    await say(app, f"{place}-2", tom, "secret two")
    await say(app, place, ines, "mine")
    await app.feedback.give(tom, place, answered, "up", "nice")
    await app.feedback.give(ines, place, answered, "down")
    await app.votes.cast(tom, "c1", Side("maya", None))
    assert await app.people.forget(tom) == Forgotten(messages=2, feedback=1, quoted=1, votes=1)
    assert await app.people.forget(tom) == Forgotten(0, 0)
    exported = await app.people.export(tom)
    assert [exported[part] for part in exported if part != "author_id"] == [[]] * 4
    await say(app, place, ines, "and now?")
    asked = json.dumps(model.questions[-1])
    assert "secret" not in asked
    assert "mine" in asked
    assert (await app.people.show(ines)).feedback == 1


async def test_who_is_only_quoted_or_only_voted_is_told_so(
    app: App, place: str, tom: str, ines: str
) -> None:
    answered = await say(app, place, tom, "mine")
    await app.feedback.give(ines, place, answered, "up")
    await app.memory.reset(place)
    await app.votes.cast(tom, "c1", Side("maya", None))
    overview = await app.people.show(tom)
    assert (overview.messages, overview.feedback) == (0, 0)
    assert (overview.quoted, overview.votes) == (1, 1)
    assert await app.people.forget(tom) == Forgotten(0, 0, quoted=1, votes=1)


async def test_what_is_said_afterwards_is_kept_again(app: App, place: str, tom: str) -> None:
    await say(app, place, tom, "before")
    await app.people.forget(tom)
    await say(app, place, tom, "after")
    exported = await app.people.export(tom)
    assert [one["text"] for one in exported["messages"]] == ["after"]


async def test_a_question_forgotten_while_it_is_answered_leaves_nothing_behind(
    app: App, place: str, tom: str, model: ModelServer
) -> None:
    model.pace_s = 0.05
    reply = KeptReply(shown_as=("shown",))
    asked = Incoming(place, "1", tom, "Tom", "secret")
    answering = asyncio.create_task(app.conversation.answer(asked, reply))
    await reply.first_draft.wait()
    assert await app.people.forget(tom) == Forgotten(1, 0)
    await answering
    assert await app.memory.turn(place, "shown") is None
    assert (await app.people.show(tom)).messages == 0


async def test_an_export_is_whole_and_without_others_words(
    app: App, place: str, tom: str, ines: str
) -> None:
    await say(app, place, ines, "others' words")
    answered = await say(app, place, tom, "mine")
    await app.feedback.give(tom, place, answered, "down", "wouldn't say that")
    await app.feedback.give(ines, place, answered, "up")
    await app.votes.cast(tom, "c1", Side("maya", None))
    exported = json.loads(json.dumps(await app.people.export(tom)))
    (message,) = exported["messages"]
    assert (message["conversation"], message["text"]) == (place, "mine")
    assert message["at"] > 1_700_000_000
    (opinion,) = exported["feedback"]
    assert opinion["verdict"] == "down"
    assert opinion["remark"] == "wouldn't say that"
    assert opinion["answer"] == "Hello there."
    assert [one["text"] for one in exported["kept_with_feedback"]] == ["mine", "mine"]
    assert len(exported["voted_at"]) == 1
    assert "others' words" not in json.dumps(exported)


async def test_a_message_over_the_limit_is_not_kept(
    redis_home: Path, model: ModelServer, place: str, tom: str
) -> None:
    settings = settings_for(redis_home, model, limit_messages_per_minute=1)
    async with wire(settings) as app:
        for text in ("first", "too much"):
            asked = Incoming(place, text, tom, "Tom", text)
            await app.conversation.answer(asked, KeptReply())
        assert [one["text"] for one in (await app.people.export(tom))["messages"]] == ["first"]


async def test_a_persons_trace_costs_no_round_trip_and_ends(
    redis_home: Path, model: ModelServer, kept: Store, place: str, tom: str
) -> None:
    async with wire_tap(redis_home / "run" / "redis.sock") as tap:
        settings = settings_for(redis_home, model, redis_url=tap.url, memory_days=1)
        async with wire(settings) as app:
            await app.conversation.answer(Incoming(place, "1", tom, "Tom", "hi"), KeptReply())
            before = tap.round_trips
            await app.conversation.answer(Incoming(place, "2", tom, "Tom", "hi"), KeptReply())
            assert tap.round_trips - before == 2
            trace = app.people.trace(tom, place)
    assert len({key_slot(key.encode()) for key in trace.keys}) == 1
    left_ms = await kept.ask(Ask("return redis.call('PTTL', KEYS[1])", trace.keys, (), int))
    assert 0 < left_ms <= 2 * 86_400_000


async def test_more_conversations_than_one_trip_asks_about_are_all_found(
    app: App, kept: Store, place: str, tom: str
) -> None:
    await kept.ask_all(*(app.people.trace(tom, f"{place}-{n}") for n in range(120)))
    for n in (0, 60, 119):
        await say(app, f"{place}-{n}", tom)
    assert (await app.people.show(tom)).messages == 3
    assert await app.people.forget(tom) == Forgotten(3, 0)


def said_in(conversation: str, author: str, server: str | None = None) -> Incoming:
    return Incoming(conversation, uuid4().hex, author, "Tom", "hi", server=server)


async def test_the_latest_private_conversations_of_a_platform_are_known(
    app: App, kept: Store, tom: str
) -> None:
    platform = f"platform-{uuid4().hex}"
    talks = [f"{platform}:{number}" for number in range(4)]
    for talk in talks[:3]:
        await kept.ask_all(*app.people.traces(said_in(talk, tom)))
    await kept.ask_all(*app.people.traces(said_in(talks[3], tom, server="a server")))
    assert await app.people.private_talks(platform, 10) == [talks[2], talks[1], talks[0]]
    assert await app.people.private_talks(platform, 2) == [talks[2], talks[1]]
    assert await app.people.private_talks(f"{platform}-2", 2) == []


async def test_who_is_forgotten_has_no_private_conversation_any_more(
    app: App, kept: Store, tom: str
) -> None:
    platform = f"platform-{uuid4().hex}"
    await kept.ask_all(*app.people.traces(said_in(f"{platform}:1", tom)))
    await app.people.forget(tom)
    assert await app.people.private_talks(platform, 10) == []


async def test_so_many_private_conversations_are_kept_and_no_more(
    app: App, kept: Store, tom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.people.PRIVATE_TALKS_KEPT", 3)
    platform = f"platform-{uuid4().hex}"
    for number in range(5):
        await kept.ask_all(*app.people.traces(said_in(f"{platform}:{number}", tom)))
    assert len(await app.people.private_talks(platform, 10)) == 3
