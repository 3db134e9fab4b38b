"""Limits in the story: what is counted, said, given back and settled, with the real parts."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from bot.allowances import EVERYBODY
from bot.errors import StoppingNow
from bot.messages import Incoming
from bot.wiring import App, wire
from tests.bot.conftest import settings_for
from tests.fakes.model import Fault, ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap

_ids = count(1)


@pytest.fixture
def author() -> str:
    return f"test:{uuid4()}"


@pytest.fixture
def server() -> str:
    return f"test:server:{uuid4()}"


def message(author: str, place: str = "", server: str | None = None) -> Incoming:
    return Incoming(place or f"test:{uuid4()}", str(next(_ids)), author, "Tom", "hi", server=server)


async def ask(app: App, said: Incoming) -> KeptReply:
    reply = KeptReply()
    await app.conversation.answer(said, reply)
    return reply


async def tokens_used(app: App, author: str) -> int:
    rest = (await app.limits.left(author)).person.tokens
    assert rest is not None
    return rest.of - rest.left


# Tokens


async def test_an_answer_costs_what_the_server_counted(
    redis_home: Path, model: ModelServer, author: str
) -> None:
    model.total_tokens = 40
    async with wire(settings_for(redis_home, model, limit_tokens_per_day=100)) as app:
        for _ in range(3):
            assert (await ask(app, message(author))).final == "Hello there."
        assert await tokens_used(app, author) == 100  # and 20 in debt
        told = await ask(app, message(author))
        again = await ask(app, message(author))
    assert told.noticed == "That was a lot for a day. I can answer you again in 6 hours."
    assert again.silent


async def test_an_answer_costs_an_estimate_where_the_server_does_not_count(
    redis_home: Path, model: ModelServer, author: str
) -> None:
    async with wire(settings_for(redis_home, model, limit_tokens_per_day=1000)) as app:
        await ask(app, message(author))
        texts = [m["content"] for m in model.questions[0]["messages"]] + ["Hello there."]
        used = await tokens_used(app, author)
    assert used == pytest.approx(len("".join(texts)) / 3, abs=2)


async def test_an_answer_that_breaks_off_costs_what_was_said_and_a_failed_one_nothing(
    redis_home: Path, model: ModelServer, author: str
) -> None:
    model.total_tokens = 500
    async with wire(settings_for(redis_home, model, limit_tokens_per_day=1000)) as app:
        model.faults.append(Fault(status=404))
        await ask(app, message(author))
        assert await tokens_used(app, author) == 0
        model.faults.append(Fault(after_words=1, cut=True))
        await ask(app, message(author))
        assert 0 < await tokens_used(app, author) < 50


async def test_a_turn_with_every_limit_costs_two_round_trips(
    redis_home: Path, model: ModelServer, author: str, server: str
) -> None:
    async with wire_tap(redis_home / "run" / "redis.sock") as tap:
        limited = settings_for(
            redis_home,
            model,
            redis_url=tap.url,
            limit_messages_per_minute=100,
            limit_tokens_per_day=100_000,
            limit_server_messages_per_minute=100,
            limit_server_tokens_per_day=100_000,
        )
        async with wire(limited) as app:
            await ask(app, message(author))  # the connection is made
            before = tap.round_trips
            for _ in range(3):  # the first of them hears of this server for the first time
                assert (await ask(app, message(author, server=server))).final == "Hello there."
            assert tap.round_trips - before == 3 * 2
            assert (await app.limits.left(author, server=server)).server.tokens is not None


# Two processes, one server


async def test_processes_share_every_count(
    redis_home: Path, model: ModelServer, author: str, server: str
) -> None:
    settings = settings_for(
        redis_home, model, limit_messages_per_minute=3, limit_server_messages_per_minute=4
    )
    async with wire(settings) as one, wire(settings) as other:
        apps = [one, other] * 4
        hers = [await ask(app, message(author, server=server)) for app in apps]
        his = [await ask(app, message(f"{author}-2", server=server)) for app in apps]
    assert sum(reply.final is not None for reply in hers) == 3
    assert sum(reply.noticed is not None for reply in hers) == 1
    assert sum(reply.final is not None for reply in his) == 1
    (told,) = [reply.noticed for reply in his if reply.noticed]
    assert told.startswith("This whole server has asked me a lot.")


async def test_an_override_counts_from_the_next_message_on(
    redis_home: Path, model: ModelServer, author: str, server: str
) -> None:
    async with wire(settings_for(redis_home, model, limit_messages_per_minute=1)) as app:
        await app.limits.change(server, EVERYBODY, messages_per_minute=2)
        replies = [await ask(app, message(author, server=server)) for _ in range(3)]
    assert [reply.final is not None for reply in replies] == [True, True, False]


async def test_a_server_that_says_no_costs_the_person_nothing(
    redis_home: Path, model: ModelServer, author: str, server: str
) -> None:
    settings = settings_for(
        redis_home, model, limit_messages_per_minute=5, limit_server_messages_per_minute=1
    )
    async with wire(settings) as app:
        for _ in range(4):
            await ask(app, message(author, server=server))
        rest = (await app.limits.left(author, server=server)).person.messages
    assert rest is not None
    assert rest.left == 4


async def test_a_duplicate_costs_neither_person_nor_server(
    redis_home: Path, model: ModelServer, author: str, server: str
) -> None:
    settings = settings_for(
        redis_home, model, limit_messages_per_minute=5, limit_server_messages_per_minute=5
    )
    said = message(author, server=server)
    async with wire(settings) as app:
        for _ in range(4):
            await ask(app, said)
        left = await app.limits.left(author, server=server)
    assert left.person.messages is not None
    assert left.server.messages is not None
    assert (left.person.messages.left, left.server.messages.left) == (4, 4)


# The line in front of the model


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def test_answers_at_once_are_bounded_and_who_waits_sees_the_place(
    redis_home: Path, model: ModelServer, author: str
) -> None:
    model.faults.extend([Fault(after_words=1, silent=True)])
    async with wire(settings_for(redis_home, model, limit_concurrent_answers=1)) as app:
        replies = [KeptReply() for _ in range(3)]
        tasks = []
        for number, reply in enumerate(replies):
            answering = app.conversation.answer(message(f"{author}-{number}"), reply)
            tasks.append(asyncio.create_task(answering))
            await until(lambda: reply.worked == 1)  # noqa: B023 (it is waited for here)
        for waiting in replies[1:]:
            await asyncio.wait_for(waiting.first_wait.wait(), 5)
        assert [reply.waits for reply in replies] == [[], [0], [1]]
        assert len(model.questions) == 1
        tasks[0].cancel()
        await asyncio.wait(tasks, timeout=5)
    assert [reply.final for reply in replies[1:]] == ["Hello there."] * 2


async def test_a_stop_tells_those_who_still_wait(
    redis_home: Path, model: ModelServer, author: str
) -> None:
    model.faults.append(Fault(after_words=1, silent=True))
    async with AsyncExitStack() as stack:
        settings = settings_for(redis_home, model, limit_concurrent_answers=1)
        app = await stack.enter_async_context(wire(settings))
        first, second = KeptReply(), KeptReply()
        tasks = [asyncio.create_task(app.conversation.answer(message(author), first))]
        await first.first_draft.wait()
        tasks.append(asyncio.create_task(app.conversation.answer(message(author), second)))
        await asyncio.wait_for(second.first_wait.wait(), 5)
        await app.conversation.drain(within_s=3.1)
        await asyncio.gather(*tasks, return_exceptions=True)
    assert second.final == StoppingNow.spoken


async def test_a_server_with_a_full_line_of_its_own_is_waited_for(
    redis_home: Path, model: ModelServer, author: str
) -> None:
    model.faults.append(Fault(status=429, retry_after="1"))
    async with wire(settings_for(redis_home, model)) as app:
        reply = await ask(app, message(author))
    assert reply.waits == [0]
    assert reply.final == "Hello there."
