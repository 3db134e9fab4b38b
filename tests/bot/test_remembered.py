"""What is remembered follows what people see: edits, deletions, answers found by their ids."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from bot.memory import Answered, Claim, Memory, Turn
from bot.messages import MESSAGE_MAX_CHARS, WORDLESS, Incoming
from bot.store import Ask, Store
from bot.wiring import App
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply

_ids = count(1)


@pytest.fixture
def memory(kept: Store) -> Memory:
    return Memory(kept, keep=6, ttl_s=60)


async def say(
    kept: Store, memory: Memory, place: str, text: str = "hi", answer: str = "", **more: str
) -> Claim:
    """A question, and its answer where there is one: shown as "<id>a" and "<id>b"."""
    claim = Claim(Incoming(place, str(next(_ids)), "test:Tom", "Tom", text))
    await kept.ask(memory.claim(claim))
    id_ = claim.incoming.message_id
    turn = Turn(f"{id_}:answer", "persona:maya", "Maya", answer, version="maya@3")
    shown_as = (f"{id_}a", f"{id_}b")
    await memory.finish(claim, turn if answer else None, {id_: "3 base"}, shown_as=shown_as)
    return claim


async def window(kept: Store, memory: Memory, place: str) -> list[str]:
    """What is remembered here, to which this question adds nothing."""
    claim = Claim(Incoming(place, str(next(_ids)), "test:Ines", "Ines", "?"))
    recalled = (await kept.ask(memory.claim(claim))).recalled
    assert recalled is not None
    await memory.finish(claim, forget_question=True)
    return [turn.text for turn in recalled.window[:-1]]


async def keys_of(kept: Store, place: str, *names: str) -> list[int]:
    """Which of a conversation's keys there are."""
    keys = tuple(f"understudy:conversation:{{{place}}}:{name}" for name in names)
    script = "local f = {} for i, k in ipairs(KEYS) do f[i] = redis.call('PTTL', k) end return f"
    return await kept.ask(Ask(script, keys, (), list))


async def test_an_edited_message_is_recalled_as_it_reads_now_and_counted_anew(
    kept: Store, memory: Memory, place: str
) -> None:
    asked = (await say(kept, memory, place, "tea?", "Yes.")).incoming.message_id
    assert await memory.edit(place, asked, "  coffee? ")
    (turn,) = await kept.ask(memory.said_by(place, "test:Tom"))
    assert (turn.text, turn.tokens, turn.author_name) == ("coffee?", "", "Tom")
    assert await window(kept, memory, place) == ["coffee?", "Yes."]


async def test_an_edit_that_changes_nothing_keeps_the_token_count(
    kept: Store, memory: Memory, place: str
) -> None:
    asked = (await say(kept, memory, place, "tea?")).incoming.message_id
    assert await memory.edit(place, asked, "tea?")
    (turn,) = await kept.ask(memory.said_by(place, "test:Tom"))
    assert turn.tokens == "3 base"


@pytest.mark.parametrize("text", ["\x00 ü 😀 ' \" ]] /", "[1,2,17]", '",1]', "\\u0041"])
async def test_an_edit_may_say_anything(kept: Store, memory: Memory, place: str, text: str) -> None:
    asked = (await say(kept, memory, place, "tea?", "Yes.")).incoming.message_id
    before = (await kept.ask(memory.said_by(place, "test:Tom")))[0]
    assert await memory.edit(place, asked, text)
    (after,) = await kept.ask(memory.said_by(place, "test:Tom"))
    assert (after.text, after.at) == (text, before.at)


async def test_an_edit_is_bounded_as_a_message_is(kept: Store, memory: Memory, place: str) -> None:
    asked = (await say(kept, memory, place)).incoming.message_id
    assert await memory.edit(place, asked, "x" * 2 * MESSAGE_MAX_CHARS)
    ((long,), _) = (await window(kept, memory, place), await memory.edit(place, asked, " \n"))
    assert len(long) == MESSAGE_MAX_CHARS
    assert await window(kept, memory, place) == [WORDLESS]


async def test_nothing_is_made_for_a_message_that_is_not_remembered(
    kept: Store, memory: Memory, place: str
) -> None:
    assert not await memory.edit(place, "unknown", "hello")
    assert await memory.delete(place, ["unknown", "other"]) == 0
    assert await memory.delete(place, []) == 0
    assert await memory.turn(place, "unknown") is None
    assert await keys_of(kept, place, "turns", "order", "tokens", "shown") == [-2] * 4


async def test_an_edit_does_not_make_a_conversation_last_longer(
    kept: Store, memory: Memory, place: str
) -> None:
    asked = (await say(kept, memory, place, "tea?", "Yes.")).incoming.message_id
    brief = Memory(kept, keep=6, ttl_s=9)
    await say(kept, brief, place)
    await memory.edit(place, asked, "coffee?")
    assert all(0 < ttl <= 9000 for ttl in await keys_of(kept, place, "turns", "order", "shown"))


async def test_deleted_messages_are_forgotten_and_counted(
    kept: Store, memory: Memory, place: str
) -> None:
    first = (await say(kept, memory, place, "one", "to one")).incoming.message_id
    second = (await say(kept, memory, place, "two", "to two")).incoming.message_id
    assert await memory.delete(place, [first, second, "unknown", first]) == 2
    assert await window(kept, memory, place) == ["to one", "to two"]


@pytest.mark.parametrize("part", "ab")
async def test_any_part_of_an_answer_stands_for_the_answer(
    kept: Store, memory: Memory, place: str, part: str
) -> None:
    shown = (await say(kept, memory, place, "tea?", "Yes.")).incoming.message_id + part
    assert await memory.edit(place, shown, "No.")
    assert await window(kept, memory, place) == ["tea?", "No."]
    assert await memory.delete(place, [shown]) == 1
    assert await window(kept, memory, place) == ["tea?"]
    assert await keys_of(kept, place, "shown") == [-2]


async def test_an_answer_is_found_with_its_question_and_what_was_said_before(
    kept: Store, memory: Memory, place: str
) -> None:
    await say(kept, memory, place, "one", "to one")
    asked = (await say(kept, memory, place, "two", "to two")).incoming.message_id
    await say(kept, memory, place, "three", "to three")
    found = await memory.turn(place, f"{asked}b")
    assert found is not None
    assert [turn.text for turn in found.context] == ["one", "to one"]
    assert found.question is not None
    assert (found.question.text, found.question.message_id) == ("two", asked)
    assert (found.answer.text, found.persona, found.version) == ("to two", "maya", "maya@3")
    assert found.answer.at is not None
    assert await memory.turn(place, asked) is None, "a question is no answer"


async def test_an_answer_whose_question_was_deleted_is_found_without_it(
    kept: Store, memory: Memory, place: str
) -> None:
    await say(kept, memory, place, "one", "to one")
    asked = (await say(kept, memory, place, "two", "to two")).incoming.message_id
    await memory.delete(place, [asked])
    found = await memory.turn(place, f"{asked}a")
    assert isinstance(found, Answered)
    assert found.question is None
    assert [turn.text for turn in found.context] == ["one", "to one"]


async def test_the_ids_of_an_answer_go_with_it(kept: Store, memory: Memory, place: str) -> None:
    asked = [(await say(kept, memory, place, str(n), "yes")).incoming.message_id for n in range(4)]
    assert await memory.turn(place, f"{asked[0]}a") is None
    assert await memory.turn(place, f"{asked[1]}a") is not None
    script = "return redis.call('ZCARD', KEYS[1])"
    shown = (f"understudy:conversation:{{{place}}}:shown",)
    assert await kept.ask(Ask(script, shown, (), int)) == 3 * 2
    await memory.reset(place)
    assert await memory.turn(place, f"{asked[1]}a") is None
    assert await keys_of(kept, place, "shown") == [-2]


async def test_a_message_deleted_while_it_is_answered_leaves_nothing_behind(
    app: App, kept: Store, place: str, model: ModelServer
) -> None:
    model.pace_s = 0.05
    reply = KeptReply(shown_as=("shown",))
    asked = Incoming(place, "1", "test:Tom", "Tom", "forget this")
    answering = asyncio.create_task(app.conversation.answer(asked, reply))
    await reply.first_draft.wait()
    assert await app.memory.delete(place, ["1"]) == 1
    await answering
    assert reply.final == "Hello there."
    assert await app.memory.turn(place, "shown") is None
    assert await window(kept, app.memory, place) == []


async def test_a_message_edited_while_it_waits_is_answered_as_it_reads_then(
    app: App, place: str, model: ModelServer
) -> None:
    model.pace_s = 0.05
    first, second = KeptReply(), KeptReply()
    asked = [Incoming(place, id_, "test:Tom", "Tom", "tea?") for id_ in "12"]
    answering = asyncio.create_task(app.conversation.answer(asked[0], first))
    await first.first_draft.wait()
    waiting = asyncio.create_task(app.conversation.answer(asked[1], second))
    while not await app.memory.edit(place, "2", "coffee?"):
        await asyncio.sleep(0)
    await asyncio.gather(answering, waiting)
    assert model.questions[-1]["messages"][-1]["content"] == "Tom: coffee?"


async def test_an_answer_is_kept_with_its_version_and_the_platforms_ids(
    app: App, place: str, model: ModelServer
) -> None:
    asked = Incoming(place, "1", "test:Tom", "Tom", "hi")
    await app.conversation.answer(asked, KeptReply(shown_as=("9", "10")))
    for shown in ("9", "10"):
        found = await app.memory.turn(place, shown)
        assert found is not None
        assert (found.persona, found.version) == ("maya", "maya@1")
    model.tells_version = False
    asked = Incoming(place, "2", "test:Tom", "Tom", "hi")
    await app.conversation.answer(asked, KeptReply(shown_as=("11",)))
    found = await app.memory.turn(place, "11")
    assert found is not None
    assert found.version is None


async def test_turns_that_an_older_bot_stored_are_read_edited_and_found(
    kept: Store, memory: Memory, place: str
) -> None:
    claim = await say(kept, memory, place, "tea?", "Yes.")
    asked = claim.incoming.message_id
    old = """
    redis.call('HSET', KEYS[1], ARGV[1], '["test:Tom", "Tom", "tea?"]')
    return redis.call('HSET', KEYS[1], ARGV[1] .. ':answer', '["persona:maya", "Maya", "Yes."]')
    """
    turns = (f"understudy:conversation:{{{place}}}:turns",)
    await kept.ask(Ask(old, turns, (asked,), int))
    (turn,) = await kept.ask(memory.said_by(place, "test:Tom"))
    assert (turn.text, turn.at, turn.version) == ("tea?", None, None)
    assert await memory.edit(place, asked, "coffee?")
    assert await window(kept, memory, place) == ["coffee?", "Yes."]
    found = await memory.turn(place, f"{asked}a")
    assert found is not None
    assert (found.persona, found.version) == ("maya", None)


async def test_a_message_is_forgotten_in_time_though_the_place_stays_lively(
    kept: Store, place: str
) -> None:
    brief = Memory(kept, keep=100, ttl_s=2)
    await say(kept, brief, place, "long ago", "indeed")
    for _ in range(4):
        await asyncio.sleep(0.8)
        await say(kept, brief, place, "since")
    left = await window(kept, brief, place)
    assert "long ago" not in left
    assert "indeed" not in left
    assert "since" in left
