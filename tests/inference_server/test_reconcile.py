"""At start and later: what the registry says is served, and what can't be is said."""

from __future__ import annotations

import shutil

import pytest

from inference_server.reconcile import REGISTRY, Reconciler
from tests.inference_server import made
from tests.inference_server.small_engine import SILENT


@pytest.fixture
def reconciler(registry, rollouts, aliases) -> Reconciler:
    return Reconciler(registry, rollouts, aliases, watch_s=0.02)


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
