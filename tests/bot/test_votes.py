"""Votes between answers: one of each person in a comparison."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bot.store import Store
from bot.votes import Side, Tally, Votes

OLD, NEW, BARE = Side("maya", "maya@3"), Side("maya", "maya@4"), Side("tom", None)


@pytest.fixture
def votes(kept: Store) -> Votes:
    return Votes(kept, name=f"votes-{uuid4()}")


@pytest.fixture
def tom() -> str:
    return f"test:{uuid4()}"


async def test_votes_are_counted_by_persona_and_version(votes: Votes, tom: str) -> None:
    assert await votes.cast(tom, "c1", NEW, over=[OLD])
    assert await votes.cast(f"{tom}2", "c1", OLD, over=[NEW])
    assert await votes.cast(tom, "c2", NEW, over=[BARE])
    assert await votes.counts("maya") == {"maya@4": Tally(2, 1), "maya@3": Tally(1, 1)}
    assert await votes.counts("tom") == {None: Tally(0, 1)}


async def test_the_first_vote_in_a_comparison_stands(votes: Votes, tom: str) -> None:
    assert await votes.cast(tom, "c1", NEW, over=[OLD])
    assert not await votes.cast(tom, "c1", OLD, over=[NEW])
    assert await votes.counts("maya") == {"maya@4": Tally(1, 0), "maya@3": Tally(0, 1)}


async def test_that_somebody_voted_can_be_seen_and_forgotten(votes: Votes, tom: str) -> None:
    await votes.cast(tom, "c1", NEW)
    (at,) = await votes.cast_by(tom)
    assert at > 1_700_000_000
    await votes.forget(tom)
    assert await votes.cast_by(tom) == []
    assert await votes.counts("maya") == {"maya@4": Tally(1, 0)}
