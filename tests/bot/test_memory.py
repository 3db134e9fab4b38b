"""What memory promises about claims, places and keys; the story's own tests show the rest."""

import asyncio
from itertools import count
from uuid import uuid4

import pytest
from redis.crc import key_slot

from bot import memory as memory_module
from bot.allowances import Allowance
from bot.memory import Admission, Claim, Lost, Memory, Turn
from bot.messages import Incoming
from bot.quotas import Quota
from bot.store import Store

_ids = count(1)


@pytest.fixture
def memory(kept: Store) -> Memory:
    return Memory(kept, keep=64, ttl_s=60, lease_s=0.1)


def message(place: str, text: str = "hi") -> Incoming:
    return Incoming(place, str(next(_ids)), "test:Tom", "Tom", text)


def reply_to(claim: Claim, text: str) -> Turn:
    return Turn(f"{claim.incoming.message_id}:answer", "persona:maya", "Maya", text)


async def admit(kept: Store, memory: Memory, claim: Claim) -> Admission:
    return await kept.ask(memory.claim(claim))


async def test_a_claim_that_is_sent_again_is_still_ones_own(
    kept: Store, memory: Memory, place: str
) -> None:
    claim = Claim(message(place))
    first, again = await admit(kept, memory, claim), await admit(kept, memory, claim)
    assert not again.duplicate
    assert first.recalled == again.recalled
    assert again.recalled is not None
    assert len(again.recalled.window) == 1


async def test_who_lost_a_message_neither_gets_the_floor_nor_answers(
    kept: Store, memory: Memory, place: str
) -> None:
    said = message(place)
    slow, quick = Claim(said), Claim(said)
    await admit(kept, memory, slow)
    await asyncio.sleep(0.12)
    assert (await admit(kept, memory, quick)).again
    with pytest.raises(Lost):
        await kept.ask(memory.take(slow))
    await memory.finish(slow, reply_to(slow, "too late"))
    await memory.finish(quick, reply_to(quick, "in time"))
    recalled = (await admit(kept, memory, Claim(message(place)))).recalled
    assert recalled is not None
    assert [turn.text for turn in recalled.window] == ["hi", "in time", "hi"]


async def test_an_answer_stands_behind_its_question_whatever_came_meanwhile(
    kept: Store, memory: Memory, place: str
) -> None:
    first, second = Claim(message(place, "first")), Claim(message(place, "second"))
    await admit(kept, memory, first)
    assert (await admit(kept, memory, second)).recalled is None
    assert await kept.ask(memory.take(second)) is None
    await memory.finish(first, reply_to(first, "to first"))
    recalled = await kept.ask(memory.take(second))
    assert recalled is not None
    assert [turn.text for turn in recalled.window] == ["first", "to first", "second"]


async def test_an_answer_to_a_forgotten_question_is_not_remembered(
    kept: Store, memory: Memory, place: str
) -> None:
    claim = Claim(message(place, "forget this"))
    await admit(kept, memory, claim)
    await memory.reset(place)
    await memory.finish(claim, reply_to(claim, "of course"), {claim.incoming.message_id: "3 base"})
    recalled = (await admit(kept, memory, Claim(message(place, "anew")))).recalled
    assert recalled is not None
    assert [turn.text for turn in recalled.window] == ["anew"]


async def test_token_counts_are_kept_with_their_messages(
    kept: Store, memory: Memory, place: str
) -> None:
    claim = Claim(message(place))
    await admit(kept, memory, claim)
    await memory.finish(claim, None, {claim.incoming.message_id: "3 base", "unknown": "9 base"})
    recalled = (await admit(kept, memory, Claim(message(place)))).recalled
    assert recalled is not None
    assert [turn.tokens for turn in recalled.window] == ["3 base", ""]


async def test_the_keys_of_a_conversation_or_a_person_share_one_slot(
    memory: Memory, place: str
) -> None:
    for odd in (place, "discord:1", "a}b{c", "{", "terminal:ü"):
        keys = memory.claim(Claim(message(odd))).keys
        assert len({key_slot(key.encode()) for key in keys}) == 1
        counted = Quota(odd, Allowance(1, 1), listener="{b").count().keys
        assert len({key_slot(key.encode()) for key in counted}) == 1
    assert len(memory_module.scripts.KEYS) == len(set(keys))


async def test_an_odd_conversation_name_or_text_is_stored_as_it_is(
    kept: Store, memory: Memory
) -> None:
    said = Incoming(f"}}{{:\n{uuid4()}", "id with space\n'\"", "a b", 'T"o\\m', "\x00 ü 😀 ' \" ]]")
    claim = Claim(said)
    await admit(kept, memory, claim)
    recalled = await kept.ask(memory.take(claim))
    assert recalled is not None
    assert recalled.window == (Turn(said.message_id, "a b", 'T"o\\m', said.text),)


async def test_it_is_told_what_was_never_answered(kept: Store, place: str) -> None:
    memory = Memory(kept, keep=64, ttl_s=60)
    answered, dropped = Claim(message(place)), Claim(message(place))
    await kept.ask_all(memory.claim(answered), memory.claim(dropped))
    await memory.finish(answered)
    there, gone = dropped.incoming.message_id, "never seen"
    states = await memory.unanswered(place, [answered.incoming.message_id, there, gone])
    assert states.keys() == {there, gone}
    assert states[gone] is None
    assert (states[there] or 0) > 20
