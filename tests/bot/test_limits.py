"""Counting in Redis: rates that refill, and what the administrators of a server change."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.allowances import EVERYBODY, WHOLE_SERVER, Allowance
from bot.limits import Limits, Verdict, spoken_time
from bot.messages import Incoming
from bot.quotas import Quota, Rest
from bot.store import Store
from bot.wiring import store
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer

REGULAR, PATRON = "test:role:1", "test:role:2"


@pytest.fixture
async def kept(redis_home: Path, model: ModelServer) -> AsyncIterator[Store]:
    async with store(settings_for(redis_home, model)) as opened:
        yield opened


@pytest.fixture
async def elsewhere(redis_home: Path, model: ModelServer) -> AsyncIterator[Store]:
    """Another process's connection to the same Redis."""
    async with store(settings_for(redis_home, model)) as opened:
        yield opened


@pytest.fixture
def person() -> str:
    return f"test:{uuid4()}"


@pytest.fixture
def server() -> str:
    return f"test:server:{uuid4()}"


async def ask(
    limits: Limits, kept: Store, person: str, *roles: str, server: str | None = None
) -> Verdict:
    counting = limits.counting(
        Incoming("here", "1", person, "Tom", "hi", roles=roles, server=server)
    )
    return await limits.verdict(counting, await kept.ask_all(*counting.asks))


async def allowed(
    limits: Limits, kept: Store, person: str, *roles: str, server: str | None = None
) -> int:
    """How many of ten messages at once are allowed."""
    asks = [ask(limits, kept, person, *roles, server=server) for _ in range(10)]
    return sum([verdict.allowed for verdict in await asyncio.gather(*asks)])


# One person's rates


async def test_a_burst_up_to_the_limit_is_allowed_and_the_rest_waits(
    kept: Store, person: str
) -> None:
    limits = Limits(kept, Allowance(3))
    verdicts = [await ask(limits, kept, person) for _ in range(4)]
    assert [v.allowed for v in verdicts] == [True, True, True, False]
    assert 15 < verdicts[3].retry_after_s <= 20


async def test_only_the_first_refusal_of_a_while_is_to_be_said(kept: Store, person: str) -> None:
    limits = Limits(kept, Allowance(1))
    verdicts = [await ask(limits, kept, person) for _ in range(4)]
    assert [v.first for v in verdicts] == [False, True, False, False]
    assert verdicts[1].spoken == "That was a lot at once. I can answer you again in 60 seconds."


async def test_what_was_used_comes_back_with_time(kept: Store, person: str) -> None:
    quota = Quota(person, Allowance(2), minute_ms=200)
    for _ in range(2):
        await kept.ask(quota.count())
    refused = await kept.ask(quota.count())
    assert not refused.allowed
    await asyncio.sleep(refused.retry_after_s + 0.005)
    assert (await kept.ask(quota.count())).allowed
    assert not (await kept.ask(quota.count())).allowed


async def test_a_refused_message_costs_nothing_and_a_refund_gives_one_back(
    kept: Store, person: str
) -> None:
    limits = Limits(kept, Allowance(1))
    first = await ask(limits, kept, person)
    for _ in range(5):
        last = await ask(limits, kept, person)
    assert last.retry_after_s <= 60
    assert last.refunds == ()
    await kept.ask_all(*first.refunds)
    assert (await ask(limits, kept, person)).allowed


async def test_everybody_has_a_limit_of_their_own(kept: Store, person: str) -> None:
    limits = Limits(kept, Allowance(1))
    assert (await ask(limits, kept, person)).allowed
    assert (await ask(limits, kept, person + "2")).allowed


async def test_processes_count_one_by_one_and_say_no_once(
    kept: Store, elsewhere: Store, person: str
) -> None:
    both = [(Limits(one, Allowance(5)), one) for one in (kept, elsewhere)]
    asks = [ask(limits, one, person) for _ in range(20) for limits, one in both]
    verdicts = await asyncio.gather(*asks)
    assert sum(v.allowed for v in verdicts) == 5
    assert sum(v.first for v in verdicts) == 1


async def test_the_last_answer_may_overdraw_a_day_and_the_next_one_waits_for_the_debt(
    kept: Store, person: str
) -> None:
    limits = Limits(kept, Allowance(tokens_per_day=1000))
    first = await ask(limits, kept, person)
    await kept.ask_all(*first.settle(999))
    second = await ask(limits, kept, person)
    assert second.allowed
    await kept.ask_all(*second.settle(250))
    third = await ask(limits, kept, person)
    assert not third.allowed
    assert third.first
    assert third.retry_after_s == pytest.approx(250 * 86.4, rel=0.01)
    assert third.spoken == "That was a lot for a day. I can answer you again in 6 hours."


async def test_messages_and_tokens_are_said_apart(kept: Store, person: str) -> None:
    limits = Limits(kept, Allowance(1, 1000))
    first = await ask(limits, kept, person)
    assert (await ask(limits, kept, person)).first
    await kept.ask_all(*first.settle(2000))
    by_tokens = await ask(limits, kept, person)
    assert by_tokens.first
    assert "for a day" in by_tokens.spoken


async def test_nothing_is_asked_of_redis_for_who_has_no_limits(kept: Store, person: str) -> None:
    limits = Limits(kept, Allowance())
    counting = limits.counting(Incoming("here", "1", person, "Tom", "hi"))
    assert counting.asks == ()
    assert (await limits.verdict(counting, [])).allowed


# A server as a whole


async def test_a_server_has_a_bound_that_its_people_share(
    kept: Store, person: str, server: str
) -> None:
    limits = Limits(kept, Allowance(2), Allowance(3))
    people = [f"{person}-{number}" for number in range(4)]
    verdicts = [await ask(limits, kept, one, server=server) for one in people]
    assert [v.allowed for v in verdicts] == [True, True, True, False]
    assert verdicts[3].first
    assert verdicts[3].spoken.startswith("This whole server has asked me a lot.")


async def test_each_person_is_told_about_a_busy_server_once(
    kept: Store, person: str, server: str
) -> None:
    limits = Limits(kept, Allowance(), Allowance(1))
    await ask(limits, kept, person, server=server)
    told = [await ask(limits, kept, one, server=server) for one in (person, person, "test:other")]
    assert [v.first for v in told] == [True, False, True]


async def test_what_one_counted_before_the_other_said_no_is_given_back(
    kept: Store, person: str, server: str
) -> None:
    limits = Limits(kept, Allowance(2), Allowance(1))
    assert (await ask(limits, kept, person, server=server)).allowed
    refused = await ask(limits, kept, person, server=server)
    assert [quota.subject for quota in refused.counted] == [person]
    await kept.ask_all(*refused.refunds)
    left = await limits.left(person, server=server)
    assert left.person.messages is not None
    assert left.person.messages.left == 1


# Overrides


async def test_a_persons_own_number_wins_then_the_most_generous_role_then_everybodys(
    kept: Store, person: str, server: str
) -> None:
    limits = Limits(kept, Allowance(1))
    assert await allowed(limits, kept, f"{person}-a", server=server) == 1
    await limits.change(server, EVERYBODY, messages_per_minute=2)
    await limits.change(server, REGULAR, messages_per_minute=3)
    await limits.change(server, PATRON, messages_per_minute=5)
    await limits.change(server, f"{person}-e", messages_per_minute=4)
    assert await allowed(limits, kept, f"{person}-b", server=server) == 2
    assert await allowed(limits, kept, f"{person}-c", REGULAR, server=server) == 3
    assert await allowed(limits, kept, f"{person}-d", REGULAR, PATRON, server=server) == 5
    assert await allowed(limits, kept, f"{person}-e", PATRON, server=server) == 4
    assert await allowed(limits, kept, f"{person}-f", PATRON) == 1  # not in that server


async def test_no_limit_is_the_most_generous(kept: Store, person: str, server: str) -> None:
    limits = Limits(kept, Allowance(1))
    await limits.change(server, REGULAR, messages_per_minute=5)
    await limits.change(server, PATRON, messages_per_minute=0)
    assert await allowed(limits, kept, person, REGULAR, PATRON, server=server) == 10


async def test_each_number_is_overridden_by_itself_and_a_reset_takes_all_away(
    kept: Store, person: str, server: str
) -> None:
    limits, owners = Limits(kept, Allowance(1, 100)), Allowance(1, 100)
    await limits.change(server, person, messages_per_minute=7)
    overrides = await limits.change(server, person, tokens_per_day=9)
    assert overrides.person(owners, person, ()) == Allowance(7, 9)
    await limits.change(server, REGULAR, tokens_per_day=50)
    overrides = await limits.reset(server, person)
    assert overrides.person(owners, person, [REGULAR]) == Allowance(1, 50)
    assert overrides.subjects() == {REGULAR: {"tokens_per_day": 50}}


async def test_a_servers_administrators_can_lower_the_owners_bound_and_never_raise_it(
    kept: Store, server: str
) -> None:
    limits, owners = Limits(kept, Allowance()), Allowance(10, 0)
    lower = await limits.change(server, WHOLE_SERVER, messages_per_minute=4, tokens_per_day=5)
    assert lower.server(owners) == Allowance(4, 5)
    higher = await limits.change(server, WHOLE_SERVER, messages_per_minute=0, tokens_per_day=0)
    assert higher.server(owners) == Allowance(10, 0)


async def test_a_change_holds_at_once_here_and_soon_in_other_processes(
    kept: Store, elsewhere: Store, person: str, server: str
) -> None:
    now = 0.0
    here = Limits(kept, Allowance(1))
    there = Limits(elsewhere, Allowance(1), clock=lambda: now)
    assert await allowed(there, elsewhere, f"{person}-a", server=server) == 1
    await here.change(server, EVERYBODY, messages_per_minute=3)
    assert await allowed(here, kept, f"{person}-b", server=server) == 3
    assert await allowed(there, elsewhere, f"{person}-c", server=server) == 1
    now = 10.0
    # Of ten at once, those judged before the first has read the news may be one too few.
    assert (await ask(there, elsewhere, f"{person}-d", server=server)).allowed
    assert await allowed(there, elsewhere, f"{person}-e", server=server) == 3


async def test_what_was_counted_by_an_old_override_is_counted_anew(
    kept: Store, elsewhere: Store, person: str, server: str
) -> None:
    await Limits(kept, Allowance()).change(server, EVERYBODY, messages_per_minute=4)
    there = Limits(elsewhere, Allowance(1))  # has never heard of this server
    assert (await ask(there, elsewhere, person, server=server)).allowed
    left = (await there.left(person, server=server)).person.messages
    assert left is not None
    assert (left.of, left.left) == (4, 3)


# What is left


async def test_what_is_left_is_told_without_counting(kept: Store, person: str, server: str) -> None:
    limits = Limits(kept, Allowance(4, 1000), Allowance(10))
    verdict = await ask(limits, kept, person, server=server)
    await kept.ask_all(*verdict.settle(100))
    for _ in range(3):
        left = await limits.left(person, (), server)
    assert left.person.messages is not None
    assert left.person.messages.left == 3
    assert left.person.messages.full_s == pytest.approx(15, abs=1)
    assert left.person.messages.next_s == 0
    assert left.person.tokens is not None
    assert left.person.tokens.left == pytest.approx(900, abs=1)
    assert left.person.tokens.full_s == pytest.approx(8640, abs=2)
    assert left.server.messages is not None
    assert left.server.messages.left == 9
    assert left.server.tokens is None


async def test_a_debt_is_nothing_left_and_says_when_more_comes(kept: Store, person: str) -> None:
    limits = Limits(kept, Allowance(tokens_per_day=1000))
    verdict = await ask(limits, kept, person)
    await kept.ask_all(*verdict.settle(1500))
    tokens = (await limits.left(person)).person.tokens
    assert tokens is not None
    assert tokens.left == 0
    assert tokens.next_s == pytest.approx(501 * 86.4, rel=0.01)


async def test_who_never_asked_has_all(kept: Store, person: str) -> None:
    left = await Limits(kept, Allowance(4)).left(person)
    assert left.person.messages == Rest(of=4, left=4, next_s=0, full_s=0)


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (0, "1 second"),
        (0.2, "1 second"),
        (59.5, "60 seconds"),
        (90, "90 seconds"),
        (91, "2 minutes"),
        (3600, "60 minutes"),
        (5401, "2 hours"),
        (48 * 3600, "48 hours"),
        (48 * 3600 + 1, "3 days"),
    ],
)
def test_a_while_is_said_in_the_unit_people_would_use(seconds: float, spoken: str) -> None:
    assert spoken_time(seconds) == spoken
