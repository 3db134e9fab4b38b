"""At start and later: what the registry says is served, and what can't be is said."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from adapters.registry import Registry, Unreachable
from inference_server.reconcile import FOLDER_WATCH_S, REGISTRY, Reconciler, watch_seconds
from tests.inference_server import made
from tests.inference_server.small_engine import SILENT

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def reconciler(registry, rollouts, aliases, counting) -> Reconciler:
    return Reconciler(registry, rollouts, aliases, counting, watch_s=0.02)


@pytest.fixture
def adopting(registry, rollouts, aliases, counting) -> Reconciler:
    return Reconciler(registry, rollouts, aliases, counting, watch_s=0.02, adopt=True)


@asynccontextmanager
async def watching(reconciler: Reconciler) -> AsyncIterator[None]:
    task = asyncio.create_task(reconciler.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def comes_true(true: Callable[[], bool], within_s: float) -> float:
    """Seconds until something is so; fails where it takes too long."""
    began = monotonic()
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)
    return monotonic() - began


async def test_at_start_every_persona_serves_what_current_says(
    reconciler, registry, publish, aliases
):
    for persona in ("maya", "maya", "tom"):
        publish(persona)
    registry.set_current("maya", 2)
    made.make_card(registry, "zoe")
    await reconciler.reconcile()
    assert [aliases.resolve(name) for name in ("maya", "tom", "zoe")] == ["maya@2", "tom@1", "base"]
    assert reconciler.degraded == {}
    assert reconciler.progress == (3, 3)


async def test_a_broken_version_degrades_its_persona_to_the_newest_older_one_that_works(
    reconciler, registry, publish, aliases, engine
):
    for _ in range(4):
        publish("maya")
    publish("tom")
    registry.set_current("maya", 4)
    engine.refused.add("maya@4")
    engine.answers["maya@3"] = SILENT
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@2"
    assert aliases.resolve("tom") == "tom@1"
    assert list(reconciler.degraded) == ["maya"]
    assert "version 4" in reconciler.degraded["maya"]
    assert "no such module" in reconciler.degraded["maya"]
    assert registry.current("maya") == 4


async def test_with_no_version_that_works_the_base_answers(reconciler, publish, aliases, engine):
    publish("maya")
    engine.refused.add("maya@1")
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "base"
    assert "the base model" in reconciler.degraded["maya"]


async def test_an_unreadable_current_degrades_to_the_newest_version(
    reconciler, registry, publish, aliases
):
    publish("maya")
    publish("maya")
    (registry.root / "personas" / "maya" / "current").write_text("three")
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@2"
    assert "'three'" in reconciler.degraded["maya"]


async def test_a_change_of_current_is_followed_and_a_new_persona_noticed(
    reconciler, registry, publish, aliases
):
    publish("maya")
    await reconciler.reconcile()
    publish("maya")
    publish("tom")
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@1"
    assert aliases.resolve("tom") == "tom@1"
    registry.set_current("maya", 2)
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@2"


async def test_a_change_that_fails_leaves_the_old_version_and_is_tried_once(
    reconciler, registry, publish, aliases, engine
):
    publish("maya")
    await reconciler.reconcile()
    publish("maya")
    registry.set_current("maya", 2)
    engine.answers["maya@2"] = SILENT
    await reconciler.reconcile()
    asked = len(engine.asked)
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@1"
    assert "maya" in reconciler.degraded
    assert len(engine.asked) == asked
    registry.set_current("maya", 1)
    await reconciler.reconcile()
    assert reconciler.degraded == {}


async def test_a_registry_that_goes_away_degrades_and_what_is_loaded_serves_on(
    reconciler, registry, publish, aliases
):
    publish("maya")
    await reconciler.reconcile()
    away = registry.root.with_name("away")
    shutil.move(registry.root, away)
    await reconciler.reconcile()
    assert list(reconciler.degraded) == [REGISTRY]
    assert aliases.resolve("maya") == "maya@1"
    shutil.move(away, registry.root)
    await reconciler.reconcile()
    assert reconciler.degraded == {}


async def test_whether_the_registry_is_reachable_is_counted(reconciler, registry, publish, metrics):
    def counted() -> float | None:
        return metrics.get_sample_value("understudy_registry_reachable")

    publish("maya")
    await reconciler.reconcile()
    assert (reconciler.registry_reachable, counted()) == (True, 1)
    shutil.move(registry.root, registry.root.with_name("away"))
    await reconciler.reconcile()
    assert (reconciler.registry_reachable, counted()) == (False, 0)
    assert "can't be read" in reconciler.registry_trouble


async def test_a_persona_that_is_called_registry_has_its_own_trouble(
    reconciler, registry, publish, engine
):
    publish("registry")
    engine.refused.add("registry@1")
    await reconciler.reconcile()
    assert reconciler.registry_reachable
    assert "no such module" in reconciler.degraded["registry"]
    away = registry.root.with_name("away")
    shutil.move(registry.root, away)
    await reconciler.reconcile()
    assert "can't be read" in reconciler.degraded["registry"]
    shutil.move(away, registry.root)
    await reconciler.reconcile()
    assert "no such module" in reconciler.degraded["registry"]


async def test_a_published_version_is_told_of_once(reconciler, publish, aliases, caplog):
    caplog.set_level(logging.INFO, "inference_server")
    publish("maya")
    publish("maya")
    await reconciler.reconcile()
    assert "was published" not in caplog.text
    publish("maya")
    await reconciler.reconcile()
    await reconciler.reconcile()
    assert caplog.text.count("maya@3 was published; reload maya to serve it") == 1
    assert aliases.resolve("maya") == "maya@1"


async def test_with_adoption_on_a_new_version_is_served_and_becomes_current(
    adopting, registry, publish, aliases
):
    publish("maya")
    publish("maya")
    await adopting.reconcile()
    assert aliases.resolve("maya") == "maya@1", "what was there at the start waits for a reload"
    publish("maya")
    publish("tom")
    await adopting.reconcile()
    assert aliases.resolve("maya") == "maya@3"
    assert aliases.resolve("tom") == "tom@1"
    assert registry.current("maya") == 3
    assert adopting.degraded == {}


async def test_a_rollback_after_an_adoption_is_not_undone(
    adopting, rollouts, publish, aliases, registry
):
    publish("maya")
    await adopting.reconcile()
    publish("maya")
    await adopting.reconcile()
    await rollouts.rollback("maya")
    adopting.settled("maya", 1)
    await adopting.reconcile()
    await adopting.reconcile()
    assert aliases.resolve("maya") == "maya@1"
    assert registry.current("maya") == 1


async def test_an_adoption_that_fails_degrades_and_is_tried_once(
    adopting, publish, aliases, engine, registry
):
    publish("maya")
    await adopting.reconcile()
    publish("maya")
    engine.answers["maya@2"] = SILENT
    await adopting.reconcile()
    asked = len(engine.asked)
    await adopting.reconcile()
    assert len(engine.asked) == asked
    assert aliases.resolve("maya") == "maya@1"
    assert registry.current("maya") == 1
    assert "version 2 was not adopted" in adopting.degraded["maya"]
    publish("maya")
    await adopting.reconcile()
    assert aliases.resolve("maya") == "maya@3"
    assert adopting.degraded == {}


async def test_an_adoption_waits_for_an_operator_s_rollout(
    adopting, rollouts, publish, aliases, engine
):
    publish("maya")
    publish("maya")
    await adopting.reconcile()
    engine.open.clear()
    reload = asyncio.create_task(rollouts.reload("maya", 2))
    await asyncio.sleep(0.05)
    publish("maya")
    await adopting.reconcile()
    assert aliases.resolve("maya") == "maya@1"
    engine.open.set()
    await reload
    adopting.settled("maya", 2)
    await adopting.reconcile()
    assert aliases.resolve("maya") == "maya@3"


class Faraway(Registry):
    """A folder whose versions have to be fetched, which fails while it is `away`."""

    away = False

    def fetch(self, name: str, version: int) -> Path:
        if self.away:
            raise Unreachable("the registry can't be reached: no connection")
        return super().fetch(name, version)


@pytest.mark.parametrize("registry_class", [Faraway])
async def test_a_version_that_could_not_be_fetched_is_tried_again(
    reconciler, registry, publish, aliases
):
    publish("maya")
    registry.away = True
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "base"
    assert "no connection" in reconciler.degraded["maya"]
    registry.away = False
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@1"
    assert reconciler.degraded == {}


async def test_what_another_process_publishes_is_adopted_within_five_seconds(
    registry, rollouts, aliases, counting, publish, base_folder, tmp_path
):
    publish("maya")
    watch_s = watch_seconds(registry, None)
    assert watch_s == FOLDER_WATCH_S
    program = (
        "import sys; from pathlib import Path; from adapters.registry import Registry;"
        "from tests.inference_server import made; root, base, source = map(Path, sys.argv[1:]);"
        "made.publish(Registry(root), 'maya', base, source, seed=7)"
    )
    reconciler = Reconciler(registry, rollouts, aliases, counting, watch_s, adopt=True)
    async with watching(reconciler):
        await comes_true(lambda: reconciler.ready, within_s=10)
        arguments = [registry.root, base_folder, tmp_path / "elsewhere"]
        publisher = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=PROJECT, env=dict(os.environ), timeout=60, check=True,
        )  # fmt: skip
        assert publisher.returncode == 0
        assert registry.versions("maya") == [1, 2]
        await comes_true(lambda: aliases.resolve("maya") == "maya@2", within_s=5)


async def test_what_nobody_foresaw_about_one_persona_leaves_the_others_served(
    reconciler, publish, aliases, engine, caplog
):
    publish("maya")
    publish("tom")
    load = engine.load

    async def broken(name: str, folder: Path) -> None:
        if name == "maya@1":
            raise ZeroDivisionError
        await load(name, folder)

    engine.load = broken
    await reconciler.reconcile()
    await reconciler.reconcile()
    assert [aliases.resolve(name) for name in ("maya", "tom")] == ["base", "tom@1"]
    assert "ZeroDivisionError" in reconciler.degraded["maya"]
    assert caplog.text.count("could not be brought into line") == 1


async def test_a_version_of_withdrawn_consent_serves_on_and_it_is_said_loudly_once(
    reconciler, registry, publish, aliases, caplog
):
    for _ in range(2):
        publish("maya")
    publish("tom")
    registry.set_current("maya", 2)
    await reconciler.reconcile()
    assert reconciler.revoked == {}
    registry.revoke("maya", 2, datetime.now(UTC))
    registry.revoke("tom", 1, datetime.now(UTC))
    for _ in range(3):
        await reconciler.reconcile()
    assert (aliases.resolve("maya"), aliases.resolve("tom")) == ("maya@2", "tom@1")
    assert sorted(reconciler.revoked) == ["maya", "tom"]
    said = [record for record in caplog.records if "CONSENT WITHDRAWN: maya@2" in record.message]
    assert [record.levelname for record in said] == ["ERROR"]
    registry.set_current("maya", 1)
    await reconciler.reconcile()
    assert sorted(reconciler.revoked) == ["tom"]


async def test_a_restart_with_a_version_of_withdrawn_consent_says_so(
    reconciler, registry, publish, aliases
):
    publish("maya")
    registry.revoke("maya", 1, datetime.now(UTC))
    await reconciler.reconcile()
    assert aliases.resolve("maya") == "maya@1"
    assert "maya@1 was trained on somebody who has withdrawn" in reconciler.revoked["maya"]
