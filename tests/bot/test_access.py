"""Who may talk to the bot, in the core: lists of a place, the owner's own, and silence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.access import Access
from bot.errors import ListFull, UnfitSetting, WrongSettings
from bot.lists import ENTRIES_MAX
from bot.places import Places, PlaceSettings
from bot.settings import load
from bot.store import Store
from bot.wiring import wire
from tests.bot.asked import message
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply

# Lists in Redis


async def test_entries_are_added_once_in_order_and_taken_off(kept: Store, place: str) -> None:
    places = Places(kept)
    for entry in ("discord:1", "discord:role:2", "discord:1"):
        await places.enlist(place, "blocked", entry)
    assert await Places(kept).read(place) == (
        PlaceSettings(blocked=("discord:role:2", "discord:1")),
    )
    await places.enlist(place, "blocked", "discord:9", listed=False)
    here = await places.enlist(place, "blocked", "discord:role:2", listed=False)
    assert here.blocked == ("discord:1",)
    assert await places.enlist(place, "blocked", "discord:1", listed=False) == PlaceSettings()


async def test_two_who_add_at_once_both_do(kept: Store, place: str) -> None:
    mine, others = Places(kept), Places(kept)
    adding = [
        places.enlist(place, "allowed", f"discord:{number}")
        for number, places in enumerate((mine, others) * 10)
    ]
    await asyncio.gather(*adding)
    (here,) = await mine.read(place)
    assert sorted(here.allowed or ()) == sorted(f"discord:{number}" for number in range(20))


async def test_a_full_list_takes_nobody_more_and_loses_nobody(kept: Store, place: str) -> None:
    places, full = Places(kept), tuple(f"discord:{number}" for number in range(ENTRIES_MAX))
    await places.change(place, blocked=full)
    with pytest.raises(ListFull, match="holds 200 entries"):
        await places.enlist(place, "blocked", "discord:new")
    assert (await places.read(place))[0].blocked == full
    await places.enlist(place, "blocked", "discord:5")  # is on it already
    await places.enlist(place, "blocked", "discord:0", listed=False)
    here = await places.enlist(place, "blocked", "discord:new")
    assert here.blocked is not None
    assert here.blocked[-1] == "discord:new"


@pytest.mark.parametrize("entries", [("x" * 65,), ("",), tuple(map(str, range(201)))])
async def test_lists_are_bounded(kept: Store, place: str, entries: tuple[str, ...]) -> None:
    with pytest.raises(UnfitSetting):
        await Places(kept).change(place, blocked=entries)
    assert await Places(kept).read(place) == (PlaceSettings(),)


@pytest.mark.parametrize("odd", ["", "{", "7", '"discord:1"', "{}", "null"])
async def test_what_is_no_list_counts_as_nothing_and_can_be_begun_anew(
    kept: Store, redis_home: Path, place: str, odd: str
) -> None:
    path = str(redis_home / "run" / "redis.sock")
    async with Redis(unix_socket_path=path) as redis:
        await redis.hset(f"understudy:place:{{{place}}}", "blocked", odd)
    places = Places(kept)
    (here,) = await places.read(place)
    assert not here.blocked
    here = await places.enlist(place, "blocked", "discord:1")
    assert here.blocked == ("discord:1",)


# Who is answered


@pytest.mark.parametrize(
    ("chosen", "person", "roles", "welcome"),
    [
        ({}, "discord:1", (), True),
        ({"blocked": ("discord:1",)}, "discord:1", (), False),
        ({"blocked": ("discord:1",)}, "discord:11", (), True),
        ({"blocked": ("discord:role:5",)}, "discord:1", ("discord:role:5",), False),
        ({"blocked": ("discord:channel:7",)}, "discord:1", (), False),
        ({"blocked": ("discord:channel:8",)}, "discord:1", (), True),
        ({"allowed": ("discord:1",)}, "discord:1", (), True),
        ({"allowed": ("discord:2",)}, "discord:1", (), False),
        ({"allowed": ("discord:role:5",)}, "discord:1", ("discord:role:5",), True),
        ({"allowed": ("discord:1",), "blocked": ("discord:1",)}, "discord:1", (), False),
        ({"allowed_channels": ("discord:channel:7",)}, "discord:1", (), True),
        ({"allowed_channels": ("discord:channel:8",)}, "discord:1", (), False),
    ],
)
async def test_lists_decide_who_is_answered(
    kept: Store,
    place: str,
    chosen: dict[str, object],
    person: str,
    roles: tuple[str, ...],
    welcome: bool,
) -> None:
    places = Places(kept)
    await places.change(place, **chosen)
    refusal = await Access(places).refusal(person, roles, ("discord:channel:7", place))
    assert (refusal is None) is welcome
    assert await Access(places).refusal(person, roles, ()) is None  # in private
    await places.close()


async def test_who_is_not_to_be_answered_is_met_with_silence_and_not_remembered(
    redis_home: Path, model: ModelServer, place: str
) -> None:
    server = f"{place}-server"
    barring = settings_for(redis_home, model, blocked_users=("test:mallory",))
    async with wire(barring) as app:
        await app.places.change(server, blocked=("test:eve",))
        for author in ("test:mallory", "test:eve"):
            reply = KeptReply()
            said = replace(message(place), author_id=author, places=(server,))
            await app.conversation.answer(said, reply)
            assert (reply.worked, reply.final, reply.noticed) == (0, None, None)
        assert model.questions == []
        for author in ("test:mallory", "test:eve"):
            assert (await app.people.show(author)).messages == 0


# The owner's setting


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("discord:42", ("discord:42",)),
        (" discord:42, whatsapp:4915,,", ("discord:42", "whatsapp:4915")),
        ("", ()),
    ],
)
def test_the_owner_names_people_with_their_platform(
    monkeypatch: pytest.MonkeyPatch, said: str, ids: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BLOCKED_USERS", said)
    assert load().blocked_users == ids


@pytest.mark.parametrize("said", ["42", "discord:", "discord:42;discord:43 44", "<@42>"])
def test_an_id_alone_is_not_enough(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("BLOCKED_USERS", said)
    with pytest.raises(WrongSettings, match=r"BLOCKED_USERS.*with their platform"):
        load()
