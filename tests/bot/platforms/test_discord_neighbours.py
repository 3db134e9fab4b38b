"""Redis or the model gone and back, Discord's limits and moderators, in the middle of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import pytest

from bot.errors import MemoryGone, ModelGone
from bot.platforms.discord.throttle import Throttle
from bot.settings import Settings
from bot.wiring import wire
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_memory import tapped
from tests.fakes.discord import Channel, FakeDiscord, Fault, Message, User
from tests.fakes.discord.limits import Bucket, Limit
from tests.fakes.model import ModelServer, model_server, persona
from tests.fakes.wire_tap import WireTap

HELLO = "Hello there."
EDIT = "/channels/*/messages/*"


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


async def until_shown(discord: FakeDiscord, asked: Message) -> None:
    """The first words of its answer."""
    assert await discord.world.until(lambda: bool(discord.answers(asked)), 10)


async def until_answer(discord: FakeDiscord, to: Message, text: str = HELLO) -> None:
    """All that was said after `to` is this."""

    def said() -> list[str]:
        return [one.content for one in discord.answers(to)]

    assert await discord.world.until(lambda: said() == [text], 30), said()


# -- Redis ------------------------------------------------------------------------------------


async def answered_without(
    tap: WireTap, discord: FakeDiscord, model: ModelServer, person: User
) -> Message:
    """A question in whose answer Redis goes; all of it is shown."""
    model.words, model.pace_s = ["Hello", " there", "."], 0.4
    asked = discord.asks(person, "hi")
    await until_shown(discord, asked)
    tap.away = True
    await tap.cut()
    await until_answer(discord, asked)
    return asked


async def test_an_answer_is_given_whole_though_redis_goes_in_the_middle_of_it(
    discord: FakeDiscord, settings: Settings, model: ModelServer, ada: User, redis_home: Path
) -> None:
    async with tapped(discord, settings, redis_home) as (tap, _):
        await answered_without(tap, discord, model, ada)
        model.pace_s = 0
        second = discord.asks(ada, "and now?")
        await until_answer(discord, second, MemoryGone.spoken)
        tap.away = False
        third = discord.asks(ada, "are you well again?")
        await until_answer(discord, third)
    assert [one.content for one in discord.seen()] == [HELLO, MemoryGone.spoken, HELLO]


async def test_what_was_answered_when_redis_was_away_is_not_answered_again_by_a_new_session(
    discord: FakeDiscord, settings: Settings, model: ModelServer, ada: User, redis_home: Path
) -> None:
    async with tapped(discord, settings, redis_home) as (tap, _):
        asked = await answered_without(tap, discord, model, ada)
        tap.away = False
        discord.gateway.invalidate(resumable=False)
        missed = discord.asks(ada, "did you miss me?")
        await until_answer(discord, missed)
    assert [one.reply_to for one in discord.seen()] == [asked.id, missed.id]


async def test_what_was_missed_is_caught_up_when_redis_comes_after_the_bot(
    discord: FakeDiscord,
    settings: Settings,
    ada: User,
    redis_home: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    missed = discord.asks(ada, "are you up?")
    async with tapped(discord, settings, redis_home, away=True) as (tap, _):
        assert await discord.world.until(lambda: "while memory is away" in caplog.text, 30)
        tap.away = False
        await until_answer(discord, missed)


# -- the model --------------------------------------------------------------------------------


async def test_a_model_that_is_gone_is_a_sentence_and_the_next_answer_is_there_when_it_is_back(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    async with AsyncExitStack() as stack, AsyncExitStack() as life:
        model = await life.enter_async_context(model_server(personas=[persona("maya")]))
        there = settings.model_copy(update={"inference_url": model.url})
        app = await stack.enter_async_context(wire(there))
        await stack.enter_async_context(bot_on(discord, there, app))
        await until_answer(discord, discord.asks(ada, "hi"))
        await life.aclose()
        await until_answer(discord, discord.asks(ada, "there?"), ModelGone.spoken)
        port = int(model.url.rpartition(":")[2])
        await life.enter_async_context(model_server(port, personas=[persona("maya")]))
        await until_answer(discord, discord.asks(ada, "back?"))


# -- Discord's limits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PATCH", EDIT, "rate limited", retry_after_s=0.5),
        Fault("PATCH", EDIT, "rate limited", retry_after_s=0.5, is_global=True),
        Fault("PATCH", EDIT, "blocked", retry_after_s=1),
        Fault("PATCH", EDIT, "lost answer"),
        Fault("PATCH", EDIT, status=502),
        Fault("PATCH", EDIT, status=503),
    ],
    ids=["limited", "limited everywhere", "blocked", "lost answer", "502", "503"],
)
async def test_an_edit_that_fails_for_a_moment_only_delays_the_answer(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, fault: Fault
) -> None:
    model.words, model.pace_s = [f" {number}" for number in range(12)], 0.1
    discord.breaks(Fault(**{**vars(fault), "seen": 0}))
    asked = discord.asks(ada, "count")
    await discord.until_says("".join(model.words).strip(), within_s=20)
    assert len(discord.answers(asked)) == 1


async def test_no_second_sees_more_requests_than_discord_takes_of_a_bot() -> None:
    throttle, begun_at = Throttle(40), list[float]()

    async def request() -> None:
        await throttle.wait()
        begun_at.append(monotonic())

    await asyncio.gather(*(request() for _ in range(90)))
    for first, at in enumerate(begun_at):
        assert sum(at <= other < at + 1 for other in begun_at[first:]) <= 50


async def test_fewer_requests_a_second_take_longer() -> None:
    throttle, began_at = Throttle(10), monotonic()
    for _ in range(15):  # 5 at once, then 10 a second
        await throttle.wait()
    assert monotonic() - began_at >= 0.8


async def test_the_limit_of_the_whole_bot_is_kept_with_many_answers_at_once(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    discord.limits.of_everything = Bucket(Limit(50, 1.0))
    model.words, model.pace_s = ["Hello", " there", "."], 0.3
    rooms = [discord.channel(f"room-{number}") for number in range(40)]
    for one in [discord.asks(ada, "hi", room) for room in rooms]:
        await until_answer(discord, one)
    assert len(discord.sent) > 100  # else the limit was never near
    assert len(discord.rate_limited) < 10  # a stall of this process shifts a few; else it is none


async def test_a_limit_of_the_whole_bot_that_others_use_up_loses_and_doubles_nothing(
    discord: FakeDiscord, bot: RunningBot, ada: User
) -> None:
    discord.limits.of_everything = Bucket(Limit(20, 1.0))
    rooms = [discord.channel(f"room-{number}") for number in range(15)]
    for one in [discord.asks(ada, "hi", room) for room in rooms]:
        await until_answer(discord, one)
    assert discord.rate_limited


# -- moderators -------------------------------------------------------------------------------


Deed = Callable[[FakeDiscord, User], tuple[Channel, Callable[[], None]]]


def locks_a_thread(discord: FakeDiscord, person: User) -> tuple[Channel, Callable[[], None]]:
    thread = discord.starts_thread(person, "Talk")
    return thread, lambda: discord.archives(thread, lock=True)


def throws_the_bot_out(discord: FakeDiscord, person: User) -> tuple[Channel, Callable[[], None]]:
    house = discord.guild("House")
    discord.joins(person, house)
    return house.channels[0], lambda: discord.removes_bot_from(house)


@pytest.mark.parametrize("deed", [locks_a_thread, throws_the_bot_out])
async def test_what_a_moderator_does_in_the_middle_of_an_answer_harms_no_other(
    discord: FakeDiscord,
    model: ModelServer,
    bot: RunningBot,
    ada: User,
    caplog: pytest.LogCaptureFixture,
    deed: Deed,
) -> None:
    place, happens = deed(discord, ada)
    model.words, model.pace_s = ["Hello", " there", "."], 0.4
    asked = discord.asks(ada, "hi", place)
    await until_shown(discord, asked)
    happens()
    elsewhere = discord.asks(ada, "hi")
    await until_answer(discord, elsewhere)
    assert "Traceback" not in caplog.text
