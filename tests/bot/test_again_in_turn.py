"""Several who ask again at once, and processes that end: everything comes in its turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import AnsweringAlready, NotRemembered, OverLimit, StoppingNow
from bot.memory import Memory
from bot.settings import Settings
from bot.store import Store
from bot.wiring import App, wire
from tests.bot.conftest import settings_for
from tests.bot.retold import InPlace, again, ask, texts, turn_to
from tests.fakes.model import ModelServer
from tests.fakes.wire_tap import wire_tap


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
            shown = await ask(app, where, "and me?", "Ines")
        assert (await texts(app, where, shown))[0] == ["Hello there."]
