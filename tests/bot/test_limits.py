"""Counting in Redis: rates that refill, of people and of servers."""

import asyncio

import pytest

from bot.allowances import Allowance
from bot.limits import Limits, spoken_time
from bot.messages import Incoming
from bot.quotas import Quota, Rest
from bot.store import Store
from tests.bot import counted
from tests.bot.counted import ask

elsewhere, person, server = counted.elsewhere, counted.person, counted.server


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
