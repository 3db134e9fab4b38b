"""One answer at a time and each once, whoever is at it, in whatever process."""

import asyncio
from pathlib import Path
from uuid import uuid4

from bot.allowances import Allowance
from bot.conversation import Conversation
from bot.feedback import Feedback
from bot.limits import Limits
from bot.memory import Claim, Memory
from bot.people import People
from bot.places import Places
from bot.quotas import Quota
from bot.settings import Settings
from bot.votes import Votes
from bot.wiring import App, speaking, store, wire
from tests.bot.asked import ask, message
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap


async def test_a_turn_that_had_to_wait_costs_one_round_trip_more(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    model.pace_s = 0.05

    def scripts_run() -> int:
        return sum(b"EVAL" in sent for sent in tap.sent)

    async with (
        wire_tap(redis_home / "run" / "redis.sock") as tap,
        wire(settings_for(redis_home, model, redis_url=tap.url)) as app,
    ):
        before = scripts_run()
        await asyncio.gather(ask(app, place, "first"), ask(app, place, "second"))
        assert scripts_run() - before == 2 + 3


async def test_one_answer_at_a_time_in_a_conversation_and_in_order(
    app: App, place: str, model: ModelServer
) -> None:
    model.pace_s = 0.01
    await asyncio.gather(*(ask(app, place, "hi", f"Person {n}") for n in range(6)))
    assert model.most_speaking == 1
    asked = [q["messages"][-1]["content"] for q in model.questions]
    assert asked == [f"Person {n}: hi" for n in range(6)]
    roles = [m["role"] for m in model.questions[-1]["messages"][1:]]
    assert roles == ["user", "assistant"] * 5 + ["user"]


async def test_other_conversations_go_on_meanwhile(
    app: App, place: str, model: ModelServer
) -> None:
    model.pace_s = 0.03
    await asyncio.gather(*(ask(app, f"{place}-{n}") for n in range(5)))
    assert model.most_speaking == 5


async def test_the_floor_holds_between_processes(
    settings: Settings, place: str, model: ModelServer
) -> None:
    model.pace_s = 0.03
    async with wire(settings) as one, wire(settings) as other:
        await asyncio.gather(
            ask(one, place, "a"), ask(other, place, "b"), ask(one, place, "c", "Ines")
        )
    assert model.most_speaking == 1
    assert len(model.questions) == 3


async def test_a_duplicate_is_met_with_silence(app: App, place: str, model: ModelServer) -> None:
    said, first, second, late = message(place), KeptReply(), KeptReply(), KeptReply()
    await asyncio.gather(
        app.conversation.answer(said, first), app.conversation.answer(said, second)
    )
    await app.conversation.answer(said, late)
    assert sorted([first.finishes, second.finishes]) == [0, 1]
    assert late.silent
    assert len(model.questions) == 1


async def test_a_duplicate_does_not_count_against_its_author(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    settings = settings_for(redis_home, model, limit_messages_per_minute=2)
    author = str(uuid4())
    async with wire(settings) as app:
        said = message(place, author=author)
        for _ in range(5):
            await app.conversation.answer(said, KeptReply())
        assert (await ask(app, place, author=author)).final == "Hello there."


async def test_a_message_whose_process_died_is_answered_by_the_next_one(
    settings: Settings, place: str, model: ModelServer
) -> None:
    said = message(place, "lost?")
    async with wire(settings) as app, store(settings) as kept:
        dying = Memory(kept, keep=64, ttl_s=60, lease_s=2)
        await kept.ask(dying.claim(Claim(said)))  # and never finished
        early, late = KeptReply(), KeptReply()
        await app.conversation.answer(said, early)
        await asyncio.sleep(2.05)
        await app.conversation.answer(said, late)
    assert early.silent
    assert late.final == "Hello there."
    assert [m["content"] for m in model.questions[0]["messages"][1:]] == ["Tom: lost?"]


async def test_a_dead_process_blocks_its_conversation_for_a_lease_only(
    settings: Settings, place: str
) -> None:
    async with store(settings) as kept:
        dying = Memory(kept, keep=64, ttl_s=60, lease_s=0.3)
        await kept.ask(dying.claim(Claim(message(place))))
    async with wire(settings) as app:
        reply = await asyncio.wait_for(ask(app, place, "anybody?"), 3)
    assert reply.final == "Hello there."


async def test_a_claim_lives_for_as_long_as_its_answer_takes(
    settings: Settings, place: str, model: ModelServer
) -> None:
    model.words, model.pace_s = ["slow "] * 12, 0.1
    said, again = message(place), KeptReply()
    async with store(settings) as kept, speaking(settings, 0) as able:
        memory = Memory(kept, keep=64, ttl_s=60, lease_s=0.4)
        people = People(kept, memory, Feedback(kept), Votes(kept), ttl_s=60)
        story = Conversation(
            kept,
            Limits(kept, Allowance()),
            memory,
            Places(kept),
            people,
            able.personas,
            able.voice,
        )
        answering = asyncio.create_task(story.answer(said, KeptReply()))
        await asyncio.sleep(0.8)
        await story.answer(said, again)
        await answering
    assert again.silent
    assert len(model.questions) == 1


async def test_a_message_taken_up_again_is_not_held_against_its_author(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    settings = settings_for(redis_home, model, limit_messages_per_minute=1)
    said, reply = message(place, author=str(uuid4())), KeptReply()
    async with wire(settings) as app, store(settings) as kept:
        dying = Memory(kept, keep=64, ttl_s=60, lease_s=0.01)
        counted = Quota(said.author_id, Allowance(1)).count()
        await kept.ask_all(counted, dying.claim(Claim(said)))
        await asyncio.sleep(0.02)
        await app.conversation.answer(said, reply)
    assert reply.final == "Hello there."
