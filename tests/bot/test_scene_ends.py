"""How a scene ends, and what does not end it; with a real Redis and a model server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from bot.errors import ModelFailed, OverLimit, Stopped, StoppingNow
from bot.scene import OVER, REPEATING, SPENT, STOPPING, in_circles
from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot import played as scenes
from tests.bot.conftest import settings_for
from tests.bot.played import KeptStage, cast, played, playing, topic
from tests.fakes.model import Fault, ModelServer

model = scenes.model


async def test_a_stop_ends_the_pause_at_once(app: App, place: str) -> None:
    async with playing(app, topic(place), "maya", "tom") as (scene, _, stage):
        await stage.spoke.wait()
        scene.stop("Ada stopped the scene.")
        scene.stop("Ben stopped the scene.")
    assert stage.speakers == ["maya"]
    assert stage.told == ["Ada stopped the scene."]


async def test_a_stop_in_the_middle_of_a_line_leaves_what_was_said(
    app: App, place: str, model: ModelServer
) -> None:
    begun = asyncio.Event()

    def mutters(_: object) -> Iterator[str]:
        for number in count(1):
            yield " well"
            if number == 50:
                begun.set()

    model.speaks, model.pace_s = mutters, 0.01
    async with playing(app, topic(place), "maya", "tom") as (scene, _, stage):
        await begun.wait()
        scene.stop(Stopped.spoken)
    ((name, text),) = stage.lines
    assert name == "maya"
    assert text.startswith("well well")
    assert text.endswith(" …")
    assert stage.told == [Stopped.spoken]


async def test_one_failure_is_tried_again_by_the_same_persona(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.extend([Fault(status=400)])
    stage = await played(app, topic(place), "maya", "tom", turns=2)
    assert stage.speakers == ["maya", "tom"]
    assert stage.told == [OVER]


async def test_a_second_failure_ends_the_scene_with_a_sentence(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.extend([Fault(), *[Fault(status=500)] * 4])
    stage = await played(app, topic(place), "maya", "tom")
    assert stage.speakers == ["maya"]
    assert stage.told == [f"The scene ends here, Tom can't go on: {ModelFailed.spoken}"]


async def test_a_line_that_breaks_in_the_middle_counts_as_one(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.extend([Fault(after_words=2, cut=True)])
    stage = await played(app, topic(place), "maya", "tom", turns=2)
    assert stage.speakers == ["maya", "tom"]
    assert stage.lines[0][1] == "maya says …"


async def test_a_scene_waits_while_the_model_is_busy(
    app: App, place: str, model: ModelServer
) -> None:
    model.faults.extend([Fault(status=503)] * 10)
    stage = await played(app, topic(place), "maya", "tom", turns=2)
    assert stage.speakers == ["maya", "tom"]


async def test_it_does_not_wait_for_ever(
    app: App, place: str, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.scene.BUSY_MAX", 1)
    model.faults.extend([Fault(status=503)] * 20)
    stage = await played(app, topic(place), "maya", "tom", turns=2)
    assert stage.lines == []
    assert stage.told[0].startswith("The scene ends here, Maya can't go on: Too many people")


@pytest.mark.parametrize(
    ("spoken", "lines"),
    [(["Yes."], 1), (["Yes.", " YES."], 1), (["Yes.", "No."], 3), (["a", "b", "c", "d"], 6)],
)
async def test_going_round_in_circles_ends_it(
    app: App, place: str, model: ModelServer, spoken: list[str], lines: int
) -> None:
    numbers = count()
    model.speaks = lambda _: [spoken[next(numbers) % len(spoken)]]
    stage = await played(app, topic(place), "maya", "tom", "zoe", turns=6)
    assert len(stage.lines) == lines
    assert stage.told == [REPEATING if lines < 6 else OVER]


def test_circles_are_one_line_or_a_whole_round_once_more() -> None:
    assert not in_circles(["a"], 2)
    assert in_circles(["a", "a"], 2)
    assert not in_circles(["a", "b", "a"], 2)
    assert in_circles(["x", "a", "b", "a", "b"], 2)
    assert not in_circles(list("abcabc"), 2)
    assert in_circles(list("abcabc"), 3)


async def test_the_limits_end_a_scene_and_it_says_on_whose_account(
    redis_home: Any, model: ModelServer, place: str
) -> None:
    async with wire(settings_for(redis_home, model, limit_messages_per_minute=3)) as app:
        said = topic(place)
        stage = await played(app, said, "maya", "tom", turns=9)
        assert len(stage.lines) == 3
        assert stage.told[0].startswith("The scene ends here, on Ada's account. That was a lot at")
        with pytest.raises(OverLimit):
            await played(app, said, "maya", "tom")


async def test_a_scene_has_a_bound_of_tokens(app: App, place: str, model: ModelServer) -> None:
    model.total_tokens = 100
    stage = await played(app, topic(place), "maya", "tom", turns=9, tokens_max=250)
    assert len(stage.lines) == 3
    assert stage.told == [SPENT]


async def test_the_end_of_the_process_ends_a_scene_and_it_says_so(
    settings: Settings, place: str, model: ModelServer
) -> None:
    async with wire(settings) as app:
        async with playing(app, topic(place), "maya", "tom") as (_, _, stage):
            await stage.spoke.wait()
            await app.asking.drain()
            assert stage.told == [STOPPING]
        with pytest.raises(StoppingNow):
            await played(app, topic(place), "maya", "tom")


async def test_where_nothing_can_be_said_a_scene_ends_quietly(
    app: App, place: str, model: ModelServer
) -> None:
    stage = KeptStage(breaks=True)
    async with app.scenes.scene(topic(place), await cast(app, "maya", "tom"), 4) as scene:
        await scene.play(stage)
    assert (stage.told, len(model.questions)) == ([], 1)
