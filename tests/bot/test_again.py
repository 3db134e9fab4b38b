"""Another answer to the same question: the one before is kept, and memory has what people see."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from bot import memory as remembering
from bot.cards import Persona
from bot.errors import (
    AnsweringAlready,
    ModelFailed,
    NotRemembered,
    OverLimit,
    Stopped,
    StoppingNow,
)
from bot.memory import Memory
from bot.messages import Incoming
from bot.scripts import ANSWERS_KEPT
from bot.settings import Settings
from bot.store import Ask, Store
from bot.wiring import App, wire
from tests.bot.conftest import settings_for
from tests.fakes.model import Fault, ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap

_ids = count(1)


@dataclass
class InPlace(KeptReply):
    """A reply in the place of an answer."""

    number: tuple[int, int] = (0, 0)
    speaker: str | None = None

    def among(self, which: int, of: int) -> None:
        self.number = which, of

    def speak_as(self, persona: Persona | None) -> None:
        self.speaker = persona.name if persona is not None else None


async def ask(app: App, place: str, text: str = "hi", author: str = "Tom") -> str:
    """The id under which the answer is shown."""
    id_ = str(next(_ids))
    asked = Incoming(place, id_, f"test:{author}", author, text)
    await app.conversation.answer(asked, KeptReply(shown_as=(f"shown {id_}",)))
    return f"shown {id_}"


def press(place: str, author: str = "Tom", **more: Any) -> Incoming:
    return Incoming(place, f"press {next(_ids)}", f"test:{author}", author, "", **more)


async def again(
    app: App, place: str, shown: str, author: str = "Tom", reply: InPlace | None = None
) -> InPlace:
    reply = reply or InPlace(shown_as=(shown,))
    await app.conversation.again(press(place, author), shown, reply)
    return reply


async def turn_to(app: App, place: str, shown: str, step: int) -> InPlace:
    reply = InPlace(shown_as=(shown,))
    await app.conversation.turn_to(press(place), shown, step, reply)
    return reply


async def texts(app: App, place: str, shown: str) -> tuple[list[str], int]:
    """All answers that are kept, and which one is shown."""
    exchange = await app.memory.exchange(place, shown)
    return [answer.text for answer in exchange.answers], exchange.shown


async def others(kept: Store, place: str) -> int:
    keys = (f"understudy:conversation:{{{place}}}:others",)
    return await kept.ask(Ask("return redis.call('HLEN', KEYS[1])", keys, (), int))


def contents(model: ModelServer) -> list[str]:
    return [one["content"] for one in model.questions[-1]["messages"][1:]]


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


async def test_two_who_ask_at_once_get_one_new_answer(
    settings: Settings, app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    model.pace_s = 0.05
    async with wire(settings) as other:
        outcomes = await asyncio.gather(
            *(again(one, place, shown) for one in (app, app, other)), return_exceptions=True
        )
    assert sum(isinstance(one, AnsweringAlready) for one in outcomes) == 2
    assert len(model.questions) == 2
    assert len((await texts(app, place, shown))[0]) == 2


async def test_nobody_turns_pages_while_a_new_answer_is_made(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place)
    model.pace_s = 0.1
    reply = InPlace(shown_as=(shown,))
    task = asyncio.create_task(again(app, place, shown, reply=reply))
    await reply.first_draft.wait()
    with pytest.raises(AnsweringAlready):
        await turn_to(app, place, shown, 0)
    await task


async def test_it_waits_for_its_turn_and_later_messages_wait_for_it(
    settings: Settings, app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place, "one")
    model.pace_s = 0.03
    async with wire(settings) as other:
        await asyncio.gather(
            ask(app, place, "two"),
            again(app, place, shown),
            ask(other, place, "three", "Ines"),
            again(other, place, await ask(app, place, "four", "Bob")),
        )
    assert model.most_speaking == 1
    assert len(model.questions) == 6


async def test_it_never_joins_a_burst_of_the_same_person(
    app: App, place: str, model: ModelServer
) -> None:
    shown = await ask(app, place, "one")
    model.first_word_after_s = 0.3
    anew = asyncio.create_task(again(app, place, shown))
    while model.speaking == 0:
        await asyncio.sleep(0.01)
    await ask(app, place, "two")
    assert (await anew).final == "Hello there."
    assert len(model.questions) == 3


async def test_the_limit_of_who_asks_holds_and_a_refusal_costs_nothing(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    limited = settings_for(redis_home, model, limit_messages_per_minute=2)
    async with wire(limited) as app:
        author = f"Tom {place}"
        shown = await ask(app, place, "one", author)
        await again(app, place, shown, author)
        with pytest.raises(OverLimit, match="again in"):
            await again(app, place, shown, author)
        assert (await again(app, place, shown, f"Ines {place}")).final == "Hello there."
        with pytest.raises(NotRemembered):
            await again(app, place, "unknown", f"Bob {place}")
        assert (await app.limits.left(f"test:Bob {place}")).person.messages.left == 2  # type: ignore[union-attr]


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


async def test_a_press_whose_process_died_can_be_made_again_after_a_lease(
    app: App, kept: Store, place: str
) -> None:
    shown = await ask(app, place)
    dying = Memory(kept, keep=64, ttl_s=60, lease_s=0.3)
    await kept.ask(dying.reclaim(place, shown, "token"))
    with pytest.raises(AnsweringAlready):
        await again(app, place, shown)
    await asyncio.sleep(0.35)
    assert (await again(app, place, shown)).final == "Hello there."


async def test_nothing_is_begun_while_the_process_ends(app: App, place: str) -> None:
    shown = await ask(app, place)
    await app.conversation.drain()
    with pytest.raises(StoppingNow):
        await again(app, place, shown)


async def test_another_answer_costs_three_round_trips(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    async with wire_tap(redis_home / "run" / "redis.sock") as tap:
        settings = settings_for(redis_home, model, redis_url=tap.url, limit_messages_per_minute=99)
        async with wire(settings) as app:
            shown = await ask(app, place, "hi", place)
            before = tap.round_trips
            await again(app, place, shown, place)
            assert tap.round_trips - before == 3


def test_the_keys_share_one_slot() -> None:
    assert len({key_slot(key.encode()) for key in remembering._keys("test:place")}) == 1


async def test_messages_and_presses_in_any_order_never_wait_for_each_other_for_good(
    app: App, place: str, model: ModelServer
) -> None:
    shown = [await ask(app, place, f"{n}", f"Person {n}") for n in range(8)]
    async with asyncio.timeout(60):
        for _ in range(3):
            await asyncio.gather(
                *(again(app, place, one) for one in shown),
                *(ask(app, place, "hi", f"Other {n}") for n in range(8)),
            )
    assert len(model.questions) == 8 + 3 * 16
    assert model.most_speaking == 1


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


@pytest.mark.parametrize("pressed", [False, True])
async def test_what_is_stopped_at_any_moment_holds_nobody_up(
    app: App, place: str, pressed: bool
) -> None:
    for moment in range(40):
        where = f"{place}-{moment}"
        shown = await ask(app, where)
        asking = again(app, where, shown) if pressed else ask(app, where, "wait")
        task = asyncio.create_task(asking)  # type: ignore[arg-type]
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        async with asyncio.timeout(20):  # a claim that is left behind lives for 30 s
            await ask(app, where, "and me?", "Ines")
