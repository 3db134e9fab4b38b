"""A rollout's promise: the new version whole, or the old one and nothing of the new."""

from __future__ import annotations

import asyncio
import logging
import shutil
from datetime import UTC, datetime

import pytest

from adapters.registry import NotWritable, UnknownPersona, Unreachable
from inference_server.errors import Busy, NothingToRollBack, RolloutFailed
from inference_server.part import Step
from inference_server.personas import personas
from tests.inference_server import made
from tests.inference_server.small_engine import ENDLESS, NOT_FINITE, SILENT


async def test_a_reload_serves_the_newest_version_and_writes_it_down(
    rollouts, publish, aliases, engine, registry
):
    publish()
    publish()
    outcome = await rollouts.reload("maya")
    assert (outcome.version, outcome.previous) == (2, None)
    assert aliases.resolve("maya") == "maya@2"
    assert registry.current("maya") == 2
    assert engine.loaded == {"maya@2": registry.path("maya", 2)}
    assert rollouts.part("maya").rollout.step is Step.DONE


async def test_a_reload_goes_through_every_step_in_order(rollouts, publish):
    publish()
    await rollouts.reload("maya")
    steps = list(rollouts.part("maya").rollout.seconds)
    assert steps == ["validate", "load", "probe", "commit", "flip"]


async def test_every_state_is_logged_and_shown_and_every_end_counted(
    rollouts, publish, engine, metrics, caplog
):
    publish()
    publish()
    with caplog.at_level(logging.INFO):
        await rollouts.reload("maya", 1)
    said = [record.message for record in caplog.records]
    states = ("validate", "load", "probe", "commit", "flip")
    assert [line for line in said if line.startswith("maya@1: ")] == [
        f"maya@1: {state}" for state in states
    ]
    engine.answers["maya@2"] = SILENT
    with pytest.raises(RolloutFailed):
        await rollouts.reload("maya")
    shown = rollouts.part("maya").rollout.as_json()
    assert (shown["step"], shown["version"]) == ("failed", 2)
    assert shown["reason"].startswith("probe: ")
    engine.answers.clear()
    await rollouts.reload("maya")
    await rollouts.rollback("maya")

    def ended(outcome: str, reason: str = "") -> float | None:
        labels = {"persona": "maya", "outcome": outcome, "reason": reason}
        return metrics.get_sample_value("understudy_rollouts_total", labels)

    assert ended("done") == 2
    assert ended("failed", "probe: probe_failed") == 1
    assert ended("rolled_back") == 1
    steps = {"step": "load"}
    assert metrics.get_sample_value("understudy_rollout_step_seconds_count", steps) == 3
    serving = {"persona": "maya"}
    assert metrics.get_sample_value("understudy_serving_version", serving) == 1


async def test_the_one_before_stays_loaded_and_older_ones_leave(rollouts, publish, engine, aliases):
    for _ in range(4):
        publish()
        await rollouts.reload("maya")
    assert set(engine.loaded) == {"maya@3", "maya@4"}
    assert aliases.resolve("maya@3") == "maya@3"
    assert engine.most_loaded == 3


async def test_a_rollback_is_instant_and_the_next_one_goes_further_back(
    rollouts, publish, engine, registry
):
    for _ in range(3):
        publish()
        await rollouts.reload("maya")
    asked = len(engine.asked)
    outcome = await rollouts.rollback("maya")
    assert (outcome.version, outcome.previous) == (2, 3)
    assert len(engine.asked) == asked
    assert registry.current("maya") == 2
    assert (await rollouts.rollback("maya")).version == 1
    with pytest.raises(NothingToRollBack, match="no earlier version"):
        await rollouts.rollback("maya")


async def test_a_rollback_right_after_a_start_takes_the_newest_older_version(rollouts, publish):
    for _ in range(3):
        publish()
    await rollouts.change("maya", 3, commit=False)
    assert (await rollouts.rollback("maya")).version == 2


@pytest.mark.parametrize("answer", [SILENT, ENDLESS, NOT_FINITE])
async def test_a_version_that_answers_badly_is_not_served(
    rollouts, publish, engine, aliases, registry, answer
):
    publish()
    await rollouts.reload("maya")
    publish()
    engine.answers["maya@2"] = answer
    with pytest.raises(RolloutFailed) as failure:
        await rollouts.reload("maya")
    assert failure.value.step == Step.PROBE
    assert aliases.resolve("maya") == "maya@1"
    assert registry.current("maya") == 1
    assert set(engine.loaded) == {"maya@1"}
    assert len(rollouts.slots) == 1


async def test_a_version_is_not_blamed_for_what_the_base_does_too(rollouts, publish, engine):
    publish()
    engine.answers = {"maya@1": ENDLESS, "base": ENDLESS}
    assert (await rollouts.reload("maya")).version == 1


async def test_the_probe_asks_as_the_persona_is_asked(rollouts, publish, engine, registry):
    made.make_card(registry, "maya", starters=("Home late.", "Weekend?"), sampling={"top_k": 7})
    publish("maya", system_prompt="You are Maya, the first.")
    await rollouts.reload("maya")
    name, messages, sampling = engine.asked[0]
    assert name == "maya@1"
    assert messages[0] == {"role": "system", "content": "You are Maya, the first."}
    assert messages[1] == {"role": "user", "content": "Sam: Home late."}
    assert (sampling["temperature"], sampling["top_k"], sampling["seed"]) == (0.8, 7, 1)
    assert (len(engine.asked), engine.most_at_once) == (2, 1)


async def test_a_version_the_engine_refuses_leaves_the_old_one_serving(
    rollouts, publish, engine, aliases
):
    publish()
    await rollouts.reload("maya")
    publish()
    engine.refused.add("maya@2")
    with pytest.raises(RolloutFailed, match="load: no such module"):
        await rollouts.reload("maya")
    assert aliases.resolve("maya") == "maya@1"
    assert len(rollouts.slots) == 1
    engine.refused.clear()
    assert (await rollouts.reload("maya")).version == 2


async def test_when_current_can_t_be_written_nothing_changes(
    rollouts, publish, engine, aliases, registry, monkeypatch
):
    publish()
    await rollouts.reload("maya")
    publish()

    def refuse(name: str, version: int) -> None:
        raise NotWritable("the registry can't be written: read-only")

    monkeypatch.setattr(registry, "set_current", refuse)
    with pytest.raises(RolloutFailed, match=r"commit: .*read-only"):
        await rollouts.reload("maya")
    assert aliases.resolve("maya") == "maya@1"
    assert set(engine.loaded) == {"maya@1"}


async def test_a_second_rollout_of_a_persona_is_told_the_first_one_s_step(
    rollouts, publish, engine
):
    publish()
    publish("tom")
    engine.open.clear()
    first = asyncio.create_task(rollouts.reload("maya"))
    while rollouts.part("maya").rollout is None or rollouts.part("maya").rollout.step != "load":
        await asyncio.sleep(0.01)
    with pytest.raises(Busy) as busy:
        await rollouts.reload("maya")
    assert busy.value.step == Step.LOAD
    other = asyncio.create_task(rollouts.reload("tom"))
    engine.open.set()
    assert (await first).version == (await other).version == 1


async def test_an_operator_s_reload_waits_for_one_that_follows_the_registry(
    rollouts, publish, engine, registry
):
    publish()
    publish()
    engine.open.clear()
    following = asyncio.create_task(rollouts.change("maya", 1, commit=False))
    await asyncio.sleep(0.05)
    asked = asyncio.create_task(rollouts.reload("maya"))
    await asyncio.sleep(0.05)
    assert not asked.done()
    engine.open.set()
    assert (await following).version == 1
    assert ((await asked).version, registry.current("maya")) == (2, 2)


async def test_a_version_with_running_answers_is_retired_when_the_last_one_ends(
    rollouts, publish, engine, aliases, monkeypatch
):
    monkeypatch.setattr("inference_server.rollout.DRAIN_WAIT_S", 0.05)
    publish()
    await rollouts.reload("maya")
    with aliases.lease("maya") as first:
        for _ in range(2):
            publish()
            await rollouts.reload("maya")
        assert first in engine.loaded
        assert rollouts.part("maya").rollout.step is Step.DRAIN
    async with asyncio.timeout(2):
        while first in engine.loaded:
            await asyncio.sleep(0.01)
    assert aliases.resolve("maya") == "maya@3"


async def test_a_rollback_takes_up_a_version_that_was_being_drained(
    rollouts, publish, engine, aliases, monkeypatch
):
    monkeypatch.setattr("inference_server.rollout.DRAIN_WAIT_S", 0.05)
    publish()
    await rollouts.reload("maya")
    with aliases.lease("maya"):
        for _ in range(2):
            publish()
            await rollouts.reload("maya")
        await rollouts.reload("maya", 1)
    await asyncio.sleep(0.05)
    assert "maya@1" in engine.loaded
    assert aliases.resolve("maya") == aliases.resolve("maya@1") == "maya@1"


async def test_the_engine_s_slots_never_run_over_and_the_least_used_version_goes_first(
    rollouts, publish, engine, aliases
):
    engine.max_loaded = 3
    for persona in ("maya", "maya", "tom"):
        publish(persona)
        await rollouts.reload(persona)
    publish("ines")
    await rollouts.reload("ines")
    assert set(engine.loaded) == {"maya@2", "tom@1", "ines@1"}
    publish("zoe")
    with pytest.raises(RolloutFailed, match="all of them are in use"):
        await rollouts.reload("zoe")
    assert engine.most_loaded == 3
    assert aliases.resolve("maya") == "maya@2"


async def test_what_can_t_be_reloaded_is_said(rollouts, publish, registry):
    with pytest.raises(UnknownPersona, match="there is no persona 'zoe'"):
        await rollouts.reload("zoe")
    made.make_card(registry, "zoe")
    with pytest.raises(RolloutFailed, match="zoe has no published version yet"):
        await rollouts.reload("zoe")
    publish("maya")
    with pytest.raises(RolloutFailed, match="maya has no version 9; it has: 1"):
        await rollouts.reload("maya", 9)


async def test_a_version_changed_under_the_server_is_not_taken_for_the_same(
    rollouts, publish, registry
):
    publish()
    await rollouts.reload("maya")
    shutil.rmtree(registry.path("maya", 1))
    publish()
    with pytest.raises(RolloutFailed, match="was changed after it was loaded"):
        await rollouts.reload("maya", 1)


async def test_reloading_what_serves_already_asks_the_engine_for_nothing(rollouts, publish, engine):
    publish()
    await rollouts.reload("maya")
    asked = len(engine.asked)
    outcome = await rollouts.reload("maya")
    assert (outcome.version, outcome.previous) == (1, 1)
    assert len(engine.asked) == asked


async def test_a_registry_folder_that_is_gone_is_not_an_empty_one(
    rollouts, publish, registry, aliases
):
    publish()
    await rollouts.reload("maya")
    registry.root.rename(registry.root.with_name("away"))
    for change in (rollouts.reload, rollouts.rollback):
        with pytest.raises(Unreachable, match="can't be read"):
            await change("maya")
    with pytest.raises(Unreachable):
        personas(registry, {"maya": rollouts.serving("maya")})
    assert aliases.resolve("maya") == "maya@1"
    assert not registry.root.exists()


async def test_nobody_is_taken_to_a_version_of_withdrawn_consent(
    rollouts, publish, registry, aliases
):
    for _ in range(3):
        publish()
    await rollouts.reload("maya", 1)
    await rollouts.reload("maya", 2)
    registry.revoke("maya", 1, datetime.now(UTC))
    registry.revoke("maya", 3, datetime.now(UTC))
    with pytest.raises(RolloutFailed, match="somebody who has withdrawn their consent; train"):
        await rollouts.reload("maya")
    with pytest.raises(NothingToRollBack):
        await rollouts.rollback("maya")
    assert (aliases.resolve("maya"), registry.current("maya")) == ("maya@2", 2)
