"""Opinions on answers: one of each person, counted by version, forgotten with the person."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest
from redis.crc import key_slot

from bot.feedback import CONTEXT_TURNS, REMARK_MAX_CHARS, TEXT_MAX_CHARS, Counts, Feedback
from bot.memory import Answered, Turn
from bot.store import Ask, Store


@pytest.fixture
def feedback(kept: Store) -> Feedback:
    return Feedback(kept, name=f"feedback-{uuid4()}")


def turn(id_: str, author: str, text: str) -> Turn:
    return Turn(id_, f"test:{author}", author, text)


def answered(
    id_: str = "1", version: str | None = "maya@3", context: tuple[Turn, ...] = ()
) -> Answered:
    answer = Turn(f"{id_}:answer", "persona:maya", "Maya", "Yes.", version=version)
    return Answered(context, turn(id_, "Tom", "tea?"), answer)


async def exported(feedback: Feedback) -> list[dict[str, object]]:
    return [json.loads(line) async for line in feedback.export()]


async def test_opinions_are_counted_by_version(feedback: Feedback) -> None:
    await feedback.give("test:Tom", "place", answered("1"), "up")
    await feedback.give("test:Ines", "place", answered("1"), "down")
    await feedback.give("test:Tom", "place", answered("2"), "up")
    await feedback.give("test:Tom", "place", answered("3", "maya@4"), "down")
    await feedback.give("test:Tom", "elsewhere", answered("1", None), "down")
    assert await feedback.counts("maya") == {
        "maya@3": Counts(up=2, down=1),
        "maya@4": Counts(down=1),
        None: Counts(down=1),
    }
    assert await feedback.counts("tom") == {}


async def test_a_second_press_changes_an_opinion_and_a_third_takes_it_back(
    feedback: Feedback,
) -> None:
    await feedback.give("test:Tom", "place", answered(), "up")
    await feedback.give("test:Tom", "place", answered(), "down", " never! ")
    assert await feedback.counts("maya") == {"maya@3": Counts(down=1)}
    ((opinion),) = await feedback.about("test:Tom")
    assert (opinion.verdict, opinion.remark) == ("down", "never!")
    assert await feedback.take_back("test:Tom", "place", answered().answer)
    assert not await feedback.take_back("test:Tom", "place", answered().answer)
    assert await feedback.counts("maya") == {}
    assert await feedback.about("test:Tom") == []


async def test_an_opinion_holds_what_was_said_before_within_bounds(feedback: Feedback) -> None:
    before = tuple(turn(f"b{n}", "Ines", "x" * 9_999) for n in range(30))
    await feedback.give("test:Tom", "place", answered(context=before), "up", "r" * 9_999)
    ((opinion),) = await feedback.about("test:Tom")
    said = opinion.answered
    assert [one.message_id for one in said.context] == [f"b{n}" for n in range(30)][-CONTEXT_TURNS:]
    assert {len(one.text) for one in said.context} == {TEXT_MAX_CHARS}
    assert len(opinion.remark) == REMARK_MAX_CHARS
    assert (said.persona, said.version, said.question) == ("maya", "maya@3", answered().question)
    assert opinion.at > 1_700_000_000


async def test_only_the_newest_are_kept_and_the_tallies_follow(kept: Store) -> None:
    feedback = Feedback(kept, name=f"feedback-{uuid4()}", keep=2)
    for id_ in "123":
        await feedback.give("test:Tom", id_, answered(id_), "up")
    assert await feedback.counts("maya") == {"maya@3": Counts(up=2)}
    assert {one.conversation for one in await feedback.about("test:Tom")} == {"2", "3"}


async def test_opinions_end_with_their_time(kept: Store) -> None:
    feedback = Feedback(kept, name=f"feedback-{uuid4()}", keep_ms=300)
    await feedback.give("test:Tom", "old", answered("1"), "up")
    await asyncio.sleep(0.2)
    await feedback.give("test:Tom", "new", answered("2"), "down")
    await asyncio.sleep(0.2)
    assert await feedback.counts("maya") == {"maya@3": Counts(down=1)}
    assert [one.conversation for one in await feedback.about("test:Tom")] == ["new"]


async def test_who_is_forgotten_leaves_neither_opinions_nor_words_in_others(
    feedback: Feedback,
) -> None:
    before = (turn("b1", "Tom", "secret"), turn("b2", "Ines", "fine"))
    await feedback.give("test:Tom", "place", answered("1"), "up", "my words")
    await feedback.give("test:Ines", "place", answered("1", context=before), "down")
    assert await feedback.forget("test:Tom") == (1, 2)
    assert await feedback.about("test:Tom") == []
    assert await feedback.counts("maya") == {"maya@3": Counts(down=1)}
    ((left),) = await feedback.about("test:Ines")
    assert left.answered.question is None
    assert [one.text for one in left.answered.context] == ["fine"]
    assert await feedback.forget("test:Tom") == (0, 0)
    assert await feedback.forget("test:Ines") == (1, 0)
    assert await exported(feedback) == []


async def test_what_is_edited_or_deleted_afterwards_is_so_in_every_opinion(
    feedback: Feedback,
) -> None:
    before = (turn("b1", "Tom", "wrong"), turn("b2", "Tom", "secret"))
    for giver in ("test:Ines", "test:Ben"):
        await feedback.give(giver, "place", answered("1", context=before), "up")
    await feedback.give("test:Ines", "elsewhere", answered("1", context=before), "up")
    await feedback.revise("place", {"b1": "right", "b2": None, "1": None, "unknown": None})
    for giver in ("test:Ines", "test:Ben"):
        (here,) = [one for one in await feedback.about(giver) if one.conversation == "place"]
        assert [one.text for one in here.answered.context] == ["right"]
        assert here.answered.question is None
    assert len(await feedback.about("test:Tom")) == 3
    await feedback.revise("place", {"b1": None})
    ((left),) = await feedback.about("test:Tom")
    assert left.conversation == "elsewhere"
    assert [one.text for one in left.answered.context] == ["wrong", "secret"]


async def test_what_is_deleted_makes_nothing_last_longer(kept: Store) -> None:
    feedback = Feedback(kept, name=f"feedback-{uuid4()}", keep_ms=5000)
    await feedback.give("test:Ines", "place", answered("1"), "up")
    await feedback.revise("place", {"1": None})
    pttl = "local f = {} for i, k in ipairs(KEYS) do f[i] = redis.call('PTTL', k) end return f"
    assert all(0 < left <= 5000 for left in await kept.ask(Ask(pttl, feedback._keys, (), list)))


async def test_the_last_words_of_a_context_may_go(feedback: Feedback) -> None:
    before = (turn("b1", "Tom", "secret"),)
    await feedback.give("test:Ines", "place", answered("1", context=before), "up")
    await feedback.forget("test:Tom")
    ((left),) = await feedback.about("test:Ines")
    assert left.answered.context == ()
    assert (await exported(feedback))[0]["turns"] == []


async def test_an_export_has_what_training_needs_and_nobodys_id(feedback: Feedback) -> None:
    before = (turn("b1", "Ines", "Hello, 😀 \x00/"), Turn("b2", "persona:maya", "Maya", "Hi."))
    await feedback.give("test:Tom", "place", answered("1", context=before), "down", "too short")
    for n in range(150):
        await feedback.give("test:Tom", "place", answered(f"more{n}"), "up")
    first, *others = await exported(feedback)
    assert len(others) == 150
    assert isinstance(first.pop("at"), int)
    assert first == {
        "persona": "maya",
        "version": "maya@3",
        "verdict": "down",
        "remark": "too short",
        "turns": [
            {"name": "Ines", "text": "Hello, 😀 \x00/"},
            {"name": "Maya", "text": "Hi."},
            {"name": "Tom", "text": "tea?"},
        ],
        "answer": "Yes.",
    }


async def test_somebody_whose_id_begins_with_anothers_is_somebody_else(feedback: Feedback) -> None:
    await feedback.give("test:Tom", "place", answered("1"), "up")
    await feedback.give("test:Tom2", "place", answered("1"), "up")
    assert await feedback.forget("test:Tom") == (1, 1)
    assert len(await feedback.about("test:Tom2")) == 1


def test_the_keys_share_one_slot(feedback: Feedback) -> None:
    assert len({key_slot(key.encode()) for key in feedback._keys}) == 1
