"""What is chosen where: precedence, bounds, what Redis holds, and what is known at hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from bot.cards import Persona, Sampling
from bot.errors import UnfitSetting
from bot.places import Places, PlaceSettings, merged, sampled
from bot.store import Store
from bot.wiring import store
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer
from tests.fakes.wire_tap import WireTap, wire_tap


@pytest.fixture
async def kept(redis_home: Path, model: ModelServer) -> AsyncIterator[Store]:
    async with store(settings_for(redis_home, model)) as opened:
        yield opened


@pytest.fixture
async def redis(redis_home: Path) -> AsyncIterator[Redis]:
    path = str(redis_home / "run" / "redis.sock")
    async with Redis(unix_socket_path=path, decode_responses=True) as opened:
        yield opened


@pytest.fixture
def place() -> str:
    return f"test:{uuid4()}"


def drawn(own: dict[str, object], **here: object) -> dict[str, object]:
    persona = Persona(name="maya", display_name="Maya", sampling=Sampling.model_validate(own))
    sampling = sampled(persona, PlaceSettings.model_validate(here)).sampling
    return {**sampling.given(), "max_tokens": sampling.max_tokens}


# Precedence and bounds


def test_the_narrowest_place_that_says_something_wins() -> None:
    conversation = PlaceSettings(temperature=0.3)
    channel = PlaceSettings(persona="tom", mode="always", faces=False)
    server = PlaceSettings(persona="maya", faces=True, temperature=1.0, feedback=True)
    assert merged([conversation, channel, server]) == PlaceSettings(
        persona="tom", mode="always", faces=False, feedback=True, temperature=0.3
    )
    assert merged([]) == PlaceSettings()


@pytest.mark.parametrize("wide_first", [True, False])
def test_no_place_loosens_anothers_bound(wide_first: bool) -> None:
    places = [PlaceSettings(temperature_max=0.8), PlaceSettings(temperature_max=1.5)]
    assert merged(reversed(places) if wide_first else places).temperature_max == 0.8


def test_a_persona_speaks_as_its_card_says_where_nothing_was_chosen() -> None:
    persona = Persona(name="maya", display_name="Maya", sampling=Sampling(max_tokens=50))
    assert sampled(persona, PlaceSettings(persona="maya", mode="always")) is persona


def test_a_choice_replaces_the_cards_and_leaves_the_rest_of_it() -> None:
    own = {"temperature": 0.8, "min_p": 0.1, "max_tokens": 120}
    assert drawn(own, temperature=0.2, top_k=5) == {
        "temperature": 0.2,
        "min_p": 0.1,
        "top_k": 5,
        "max_tokens": 120,
    }


@pytest.mark.parametrize(
    ("name", "own", "chosen", "bound", "spoken"),
    [
        ("temperature", 0.8, 1.9, 1.2, 1.2),  # a choice is bounded
        ("temperature", 0.8, 0.5, 1.2, 0.5),
        ("temperature", 0.8, None, 0.4, 0.4),  # and so is the card itself
        ("temperature", None, None, 0.4, 0.4),  # and what a server takes by default
        ("temperature", None, None, 1.2, None),
        ("temperature", "hot", None, 0.4, 0.4),
        ("temperature", 0, None, 0.4, 0),
        ("top_p", None, 1.0, 0.9, 0.9),
        ("top_k", None, None, 40, 40),
        ("top_k", -1, None, 40, 40),  # vLLM's ways to say "all"
        ("top_k", 0, None, 40, 40),
        ("top_k", 10, None, 40, 10),
        ("max_tokens", 500, None, 60, 60),
        ("max_tokens", 50, 400, 100, 100),
    ],
)
def test_sampling_stays_within_the_bounds(
    name: str, own: object, chosen: object, bound: float, spoken: object
) -> None:
    card = {name: own} if own is not None else {}
    here = {name: chosen, f"{name}_max": bound}
    assert drawn(card, **here).get(name) == spoken


# In Redis


async def test_a_choice_is_kept_changed_and_taken_back(kept: Store, place: str) -> None:
    places = Places(kept)
    await places.change(place, persona="tom", temperature=0.5, faces=False, top_k=40)
    await places.change(place, persona="maya", mode="off", top_k=None)
    expected = PlaceSettings(persona="maya", temperature=0.5, faces=False, mode="off")
    assert await Places(kept).read(place, f"{place}-other") == (expected, PlaceSettings())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"temperature": 2.5},
            "That can't be set: temperature should be less than or equal to 2.",
        ),
        ({"top_k": 0}, "That can't be set: top k should be greater than or equal to 1."),
        (
            {"mode": "loud"},
            "That can't be set: mode should be 'mention', 'always' or 'off'.",
        ),
    ],
)
async def test_what_is_out_of_range_is_refused_with_what_is_allowed(
    kept: Store, place: str, fields: dict[str, object], sentence: str
) -> None:
    places = Places(kept)
    with pytest.raises(UnfitSetting) as caught:
        await places.change(place, persona="tom", **fields)
    assert caught.value.spoken == sentence
    assert await places.read(place) == (PlaceSettings(),)


async def test_a_setting_that_does_not_exist_is_our_own_mistake(kept: Store, place: str) -> None:
    with pytest.raises(TypeError, match="tempo"):
        await Places(kept).change(place, tempo=3)


async def test_what_another_version_wrote_is_ignored(
    kept: Store, redis: Redis, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    odd = {"persona": "tom", "mode": "shouting", "temperature": "nan", "colour": "red"}
    await redis.hset(f"understudy:place:{{{place}}}", mapping=odd)
    assert await Places(kept).read(place) == (PlaceSettings(persona="tom"),)
    assert "mode" in caplog.text


async def test_a_persona_chosen_before_there_were_places_still_speaks(
    kept: Store, redis: Redis, place: str
) -> None:
    before = f"understudy:conversation:{{{place}}}:persona"
    await redis.set(before, "tom")
    places = Places(kept)
    assert await places.change(place, temperature=0.5) == PlaceSettings(
        persona="tom", temperature=0.5
    )
    await places.change(place, persona=None)
    assert await places.read(place) == (PlaceSettings(temperature=0.5),)
    await redis.set(before, "tom")
    await places.change(place, persona="maya")
    assert await redis.get(before) is None


def test_the_keys_of_a_place_share_one_slot(kept: Store) -> None:
    for odd in ("discord:1", "a}b{c", "{", "terminal:ü"):
        (ask,) = Places(kept).reading(odd)
        assert len({key_slot(key.encode()) for key in ask.keys}) == 1


# At hand


@pytest.fixture
async def tap(redis_home: Path) -> AsyncIterator[WireTap]:
    async with wire_tap(redis_home / "run" / "redis.sock") as opened:
        yield opened


async def test_many_glances_cost_one_look_and_ones_own_change_is_seen_at_once(
    redis_home: Path, model: ModelServer, tap: WireTap, place: str
) -> None:
    async with store(settings_for(redis_home, model, redis_url=tap.url)) as kept:
        places, wide = Places(kept), f"{place}-server"
        await places.change(wide, mode="off")
        before = tap.round_trips
        seen = await asyncio.gather(*(places.glance(place, wide) for _ in range(50)))
        assert {one.mode for one in seen} == {"off"}
        assert tap.round_trips - before == 1
        await places.change(place, mode="always")
        assert (await places.glance(place, wide)).mode == "always"
        assert tap.round_trips - before == 2
        await places.close()


async def test_anothers_change_is_seen_when_the_glance_is_stale_and_nobody_waits_for_it(
    kept: Store, place: str
) -> None:
    mine, other = Places(kept, fresh_s=0), Places(kept)
    assert (await mine.glance(place)).mode is None
    await other.change(place, mode="always")
    assert (await mine.glance(place)).mode is None
    async with asyncio.timeout(5):
        while (await mine.glance(place)).mode is None:
            await asyncio.sleep(0.01)
    await mine.close()


async def test_who_glances_first_goes_on_first_also_when_the_first_has_to_look(
    kept: Store, place: str
) -> None:
    places, order = Places(kept), list[int]()

    async def glance(number: int) -> None:
        await places.glance(place)
        order.append(number)

    early = [asyncio.create_task(glance(number)) for number in range(3)]
    while place not in places._seen:
        await asyncio.sleep(0)
    late = asyncio.create_task(glance(3))
    await asyncio.gather(*early, late)
    assert order == [0, 1, 2, 3]


async def test_while_redis_is_away_what_was_known_holds(
    redis_home: Path, model: ModelServer, tap: WireTap, place: str, tmp_path: Path
) -> None:
    async with store(settings_for(redis_home, model, redis_url=tap.url)) as kept:
        places = Places(kept, fresh_s=0)
        await places.change(place, mode="off")
        tap.target = tmp_path / "nothing-here"
        await tap.cut()
        assert (await places.glance(place)).mode == "off"
        assert (await places.glance(f"{place}-unknown")) == PlaceSettings()
        assert (await places.glance(place)).mode == "off"
        await places.close()


async def test_what_is_at_hand_is_bounded(
    kept: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.places.SEEN_MAX", 3)
    places = Places(kept)
    for number in range(9):
        await places.glance(f"{place}-{number}", f"{place}-server")
    assert len(places._seen) == 3
