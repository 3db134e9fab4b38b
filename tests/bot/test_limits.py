import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.limits import Limits
from bot.store import Store
from bot.wiring import store
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer


@pytest.fixture
async def kept(redis_home: Path, model: ModelServer) -> AsyncIterator[Store]:
    async with store(settings_for(redis_home, model)) as opened:
        yield opened


@pytest.fixture
def person() -> str:
    return f"test:{uuid4()}"


async def test_a_burst_up_to_the_limit_is_allowed_and_the_rest_is_counted_down(
    kept: Store, person: str
) -> None:
    limits = Limits(3)
    verdicts = [await kept.ask(limits.count(person)) for _ in range(4)]
    assert [v.allowed for v in verdicts] == [True, True, True, False]
    assert [v.remaining for v in verdicts] == [2, 1, 0, 0]
    assert 15 < verdicts[3].retry_after_s <= 20


async def test_only_the_first_refusal_of_a_while_is_to_be_said(kept: Store, person: str) -> None:
    limits = Limits(1)
    verdicts = [await kept.ask(limits.count(person)) for _ in range(4)]
    assert [v.first for v in verdicts] == [False, True, False, False]
    assert "60 seconds" in verdicts[1].spoken


async def test_what_was_used_comes_back_with_time(kept: Store, person: str) -> None:
    limits = Limits(2, period_ms=200)
    for _ in range(2):
        await kept.ask(limits.count(person))
    refused = await kept.ask(limits.count(person))
    assert not refused.allowed
    await asyncio.sleep(refused.retry_after_s + 0.005)
    assert (await kept.ask(limits.count(person))).allowed
    assert not (await kept.ask(limits.count(person))).allowed


async def test_a_refused_message_costs_nothing_and_a_refund_gives_one_back(
    kept: Store, person: str
) -> None:
    limits = Limits(1)
    for _ in range(5):
        last = await kept.ask(limits.count(person))
    assert last.retry_after_s <= 60
    await kept.ask(limits.refund(person))
    assert (await kept.ask(limits.count(person))).allowed


async def test_everybody_has_a_limit_of_their_own(kept: Store, person: str) -> None:
    limits = Limits(1)
    assert (await kept.ask(limits.count(person))).allowed
    assert (await kept.ask(limits.count(person + "2"))).allowed


async def test_many_at_once_are_counted_one_by_one(kept: Store, person: str) -> None:
    verdicts = await asyncio.gather(*(kept.ask(Limits(5).count(person)) for _ in range(40)))
    assert sum(v.allowed for v in verdicts) == 5
    assert sum(v.first for v in verdicts) == 1
