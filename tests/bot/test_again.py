"""Another answer to the same question: the one before is kept, and memory has what people see."""

from __future__ import annotations

import asyncio

import pytest
from redis.crc import key_slot

from bot import memory as remembering
from bot.errors import ModelFailed, NotRemembered, Stopped
from bot.memory import Memory
from bot.messages import Incoming
from bot.scripts import ANSWERS_KEPT
from bot.store import Ask, Store
from bot.wiring import App
from tests.bot.retold import InPlace, again, ask, contents, texts, turn_to
from tests.fakes.model import Fault, ModelServer
from tests.fakes.reply import KeptReply


async def others(kept: Store, place: str) -> int:
    keys = (f"understudy:conversation:{{{place}}}:others",)
    return await kept.ask(Ask("return redis.call('HLEN', KEYS[1])", keys, (), int))


async def test_a_new_answer_comes_from_the_context_before_the_old_one(
    app: App, place: str, model: ModelServer
) -> None:
    await ask(app, place, "one")
    shown = await ask(app, place, "two")
    await ask(app, place, "three", "Ines")
    model.words = ["Another", "."]
    reply = await again(app, place, shown)
    assert (reply.final, reply.failure, reply.number) == ("Another.", None, (2, 2))
    assert reply.worked == reply.finishes == 1
    assert contents(model) == ["Tom: one", "Hello there.", "Tom: two"]


async def test_the_conversation_goes_on_from_the_answer_that_is_shown(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place, "one")
    model.words = ["Another."]
    await again(app, place, shown)
    await ask(app, place, "two")
    assert contents(model) == ["Tom: one", "Another.", "Tom: two"]
    reply = await turn_to(app, place, shown, -1)
    assert (reply.final, reply.number) == ("Hello there.", (1, 2))
    await ask(app, place, "three")
    assert contents(model)[:3] == ["Tom: one", "Hello there.", "Tom: two"]
    reply = await turn_to(app, place, shown, 1)
    assert (reply.final, reply.number) == ("Another.", (2, 2))
    found = await app.memory.turn(place, shown)
    assert found is not None
    assert (found.answer.text, found.version) == ("Another.", "maya@1")


async def test_answers_have_ids_of_their_own_so_that_each_can_be_judged(
    app: App, place: str
) -> None:
    shown = await ask(app, place)
    first = await app.memory.turn(place, shown)
    await again(app, place, shown)
    second = await app.memory.turn(place, shown)
    await turn_to(app, place, shown, -1)
    assert first is not None
    assert second is not None
    assert first.answer.message_id != second.answer.message_id
    assert await app.memory.turn(place, shown) == first


async def test_a_few_answers_are_kept_and_the_oldest_goes_first(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    for number in range(1, 8):
        model.words = [f"Answer {number}."]
        reply = await again(app, place, shown)
    assert reply.number == (ANSWERS_KEPT, ANSWERS_KEPT)
    kept = [f"Answer {number}." for number in range(8 - ANSWERS_KEPT, 8)]
    assert await texts(app, place, shown) == (kept, ANSWERS_KEPT - 1)


async def test_another_answer_after_turning_back_is_the_last_one(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    for number in (1, 2):
        model.words = [f"Answer {number}."]
        await again(app, place, shown)
    await turn_to(app, place, shown, -2)
    model.words = ["Answer 3."]
    assert (await again(app, place, shown)).number == (4, 4)
    assert await texts(app, place, shown) == (
        ["Hello there.", "Answer 1.", "Answer 2.", "Answer 3."],
        3,
    )


async def test_turning_further_than_there_are_answers_changes_nothing(app: App, place: str) -> None:
    shown = await ask(app, place)
    await again(app, place, shown)
    assert (await turn_to(app, place, shown, 1)).silent
    assert (await texts(app, place, shown))[1] == 1
    await again(app, place, shown)  # nobody holds the question any more


async def test_without_a_word_of_a_new_answer_the_one_before_comes_back(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    await again(app, place, shown)
    model.faults += [Fault(status=500)] * 4
    reply = InPlace(shown_as=(shown,))
    with pytest.raises(ModelFailed):
        await again(app, place, shown, reply=reply)
    assert (reply.final, reply.failure, reply.number) == ("Hello there.", None, (2, 2))
    assert len((await texts(app, place, shown))[0]) == 2


async def test_a_new_answer_that_breaks_off_is_shown_and_kept_as_far_as_it_got(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    model.faults.append(Fault(after_words=2, cut=True))
    reply = await again(app, place, shown)
    assert reply.final is not None
    assert reply.final.startswith("Hello there …\n(")
    assert reply.failure is not None
    assert await texts(app, place, shown) == (["Hello there.", "Hello there"], 1)


async def test_a_stopped_new_answer_keeps_what_was_said(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    model.words, model.pace_s = ["No", " end"] * 100, 0.05
    reply = InPlace(shown_as=(shown,))
    task = asyncio.create_task(again(app, place, shown, reply=reply))
    await reply.first_draft.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(reply.failure, Stopped)
    assert (await texts(app, place, shown))[1] == 1
    model.words, model.pace_s = ["Fine."], 0
    assert (await again(app, place, shown)).final == "Fine."


async def test_a_failure_without_a_word_is_answered_by_another_try(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults += [Fault(status=500)] * 4
    shown = await ask(app, place, "one")
    assert await app.memory.turn(place, shown) is None
    assert await texts(app, place, shown) == ([], -1)
    model.faults.clear()
    reply = await again(app, place, shown)
    assert (reply.final, reply.number) == ("Hello there.", (1, 1))
    assert contents(model) == ["Tom: one"]
    assert await texts(app, place, shown) == (["Hello there."], 0)


async def test_a_try_that_fails_as_well_is_a_failure_again(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults += [Fault(status=500)] * 8
    shown = await ask(app, place, "one")
    reply = InPlace(shown_as=(shown,))
    await again(app, place, shown, reply=reply)
    assert isinstance(reply.failure, ModelFailed)
    assert reply.final == ModelFailed.spoken
    model.faults.clear()
    assert (await again(app, place, shown)).final == "Hello there."


async def test_what_is_forgotten_is_not_answered_again(app: App, kept: Store, place: str) -> None:
    forgetting = {
        "the question": lambda shown: app.memory.delete(place, [shown.removeprefix("shown ")]),
        "the answer": lambda shown: app.memory.delete(place, [shown]),
        "all": lambda _: app.memory.reset(place),
        "the person": lambda _: app.people.forget("test:Tom"),
    }
    for forget in forgetting.values():
        shown = await ask(app, place)
        await again(app, place, shown)
        assert await others(kept, place) == 1
        await forget(shown)
        assert await others(kept, place) == 0
        for asking in (again(app, place, shown), turn_to(app, place, shown, -1)):
            with pytest.raises(NotRemembered):
                await asking


async def test_a_failure_is_not_found_once_its_question_is_forgotten(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults += [Fault(status=500)] * 4
    shown = await ask(app, place)
    await app.memory.delete(place, [shown.removeprefix("shown ")])
    with pytest.raises(NotRemembered):
        await app.memory.exchange(place, shown)


async def test_parts_that_a_shorter_answer_does_not_need_take_nothing_along(
    app: App, kept: Store, place: str, model: ModelServer
) -> None:
    asked = Incoming(place, "1", "test:Tom", "Tom", "hi")
    await app.conversation.answer(asked, KeptReply(shown_as=("a", "b")))
    model.pace_s = 0.05
    reply = InPlace(shown_as=("a",))
    task = asyncio.create_task(again(app, place, "b", reply=reply))
    await reply.first_draft.wait()
    assert await app.memory.delete(place, ["b"]) == 0
    await task
    assert (await texts(app, place, "a"))[1] == 1
    with pytest.raises(NotRemembered):
        await app.memory.exchange(place, "b")
    assert await app.memory.delete(place, ["a"]) == 1


async def test_the_other_answers_go_with_the_conversation_and_with_the_oldest_turns(
    kept: Store, app: App, place: str
) -> None:
    shown = await ask(app, place)
    await again(app, place, shown)
    keys = (f"understudy:conversation:{{{place}}}:others",)
    pttl = await kept.ask(Ask("return redis.call('PTTL', KEYS[1])", keys, (), int))
    assert pttl > 0
    brief = Memory(kept, keep=3, ttl_s=60)
    claim = remembering.Claim(Incoming(place, "new", "test:Ines", "Ines", "hi"))
    await kept.ask(brief.claim(claim))
    assert await others(kept, place) == 1
    await brief.finish(claim, remembering.Turn("new:answer", "persona:maya", "Maya", "yes"))
    assert await others(kept, place) == 0


def test_the_keys_share_one_slot() -> None:
    assert len({key_slot(key.encode()) for key in remembering._keys("test:place")}) == 1


async def test_a_late_answer_is_forgotten_with_its_question(
    app: App, kept: Store, place: str
) -> None:
    shown = await ask(app, place)
    question = (await app.memory.exchange(place, shown)).question
    assert question.at is not None
    earlier = question.at - 1000
    backdate = """
    local turn = cjson.decode(redis.call('HGET', KEYS[1], ARGV[1]))
    turn[5] = tonumber(ARGV[2])
    return redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(turn))
    """
    turns = (f"understudy:conversation:{{{place}}}:turns",)
    await kept.ask(Ask(backdate, turns, (question.message_id, earlier), int))
    await again(app, place, shown)
    found = await app.memory.turn(place, shown)
    assert found is not None
    assert found.answer.at == earlier
