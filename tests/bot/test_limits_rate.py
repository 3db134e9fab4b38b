"""The promise of the rates, whatever happens when: the very Lua, on a clock that the test sets."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from bot.allowances import Allowance
from bot.quotas import Quota
from bot.store import CLOCK, Ask

MINUTE_S, DAY_S = 60, 86_400
_people = count()

gaps_ms = st.lists(
    st.one_of(st.just(0), st.integers(0, 3_000), st.integers(0, 90_000)), min_size=1, max_size=60
)

shares = st.lists(
    st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 20)), min_size=1, max_size=60
)
"""Gaps as shares of the time in which one message refills: where a limit is decided."""


@pytest.fixture(scope="module")
def redis(redis_home: Path) -> Iterator[Redis]:
    with Redis(unix_socket_path=str(redis_home / "run" / "redis.sock")) as client:
        yield client


def at(now_ms: int, ask: Ask[Any]) -> Ask[Any]:
    """The same script at another time."""
    assert CLOCK in ask.script
    return replace(ask, script=ask.script.replace(CLOCK, f"local now = {now_ms}\n"))


def run(redis: Redis, ask: Ask[Any]) -> Any:
    return ask.read(redis.eval(ask.script, len(ask.keys), *ask.keys, *ask.args))


@settings(max_examples=60, deadline=None)
@given(burst=st.integers(1, 40), gaps=shares)
def test_never_more_than_a_burst_and_what_refilled_since_is_allowed(
    redis: Redis, burst: int, gaps: list[float]
) -> None:
    quota, now_ms, allowed_ms = Quota(f"rate:{next(_people)}", Allowance(burst)), 10**12, []
    for gap in [0.0] * burst + gaps:
        now_ms += int(gap * MINUTE_S * 1000 / burst)
        if run(redis, at(now_ms, quota.count())).allowed:
            allowed_ms.append(now_ms)
    for first, since_ms in enumerate(allowed_ms):
        for last, until_ms in enumerate(allowed_ms[first:]):
            refilled = burst * (until_ms - since_ms) / 1000 / MINUTE_S
            assert last + 1 <= burst + refilled + 0.01


@settings(max_examples=60, deadline=None)
@given(burst=st.integers(1, 40), gaps=gaps_ms)
def test_whoever_comes_back_when_told_to_is_allowed(
    redis: Redis, burst: int, gaps: list[int]
) -> None:
    quota, now_ms = Quota(f"rate:{next(_people)}", Allowance(burst)), 10**12
    for gap in gaps:
        now_ms += gap
        verdict = run(redis, at(now_ms, quota.count()))
        if not verdict.allowed:
            now_ms += round(verdict.retry_after_s * 1000)
            assert run(redis, at(now_ms, quota.count())).allowed


@settings(max_examples=60, deadline=None)
@given(
    daily=st.integers(100, 100_000), gaps=gaps_ms, costs=st.lists(st.integers(1, 5_000), min_size=1)
)
def test_a_day_never_costs_more_than_its_tokens_and_one_overdraft(
    redis: Redis, daily: int, gaps: list[int], costs: list[int]
) -> None:
    quota = Quota(f"rate:{next(_people)}", Allowance(tokens_per_day=daily))
    now_ms, spent, began_ms = 10**12, 0, 10**12
    for gap, cost in zip(gaps, costs, strict=False):
        now_ms += gap
        if run(redis, at(now_ms, quota.count())).allowed:
            run(redis, at(now_ms, quota.settle(cost)))
            spent += cost
    refilled = daily * (now_ms - began_ms) / 1000 / DAY_S
    assert spent <= daily + refilled + max(costs) + 1
