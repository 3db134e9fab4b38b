"""Serving from a registry in an object store that comes and goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from adapters.manifest import ADAPTER_WEIGHTS
from adapters.registry import Registry, remote
from inference_server.errors import RolloutFailed
from inference_server.launch import check_registry, lora_sizes
from inference_server.reconcile import REGISTRY, REMOTE_WATCH_S, Reconciler, watch_seconds
from tests.inference_server import made
from tests.inference_server.stage import Stage
from tests.object_store import SECRET

Publish = Callable[..., int]


@pytest.fixture
def url(bucket: str) -> str:
    return f"s3://{bucket}/voices"


@pytest.fixture
def registry(url: str, tmp_path: Path) -> Registry:
    """The server's own, with its mirror."""
    return Registry.at(url, tmp_path / "server-cache")


@pytest.fixture
def publish_elsewhere(url: str, base_folder: Path, tmp_path: Path) -> Publish:
    """Publishes as another machine does."""
    publisher, made_so_far = Registry.at(url, tmp_path / "publisher-cache"), iter(range(1, 99))

    def publish(persona: str = "maya") -> int:
        seed = next(made_so_far)
        return made.publish(
            publisher, persona, base_folder, tmp_path / f"elsewhere-{seed}", seed=seed
        )

    return publish


@pytest.fixture
def reconciler(registry, rollouts, aliases, counting) -> Reconciler:
    return Reconciler(registry, rollouts, aliases, counting, watch_s=0.02, adopt=True)


def weights(version: int) -> str:
    return f"voices/personas/maya/versions/{version}/{ADAPTER_WEIGHTS}"


async def test_a_store_that_goes_away_degrades_and_what_is_loaded_serves_on(
    reconciler, aliases, store, publish_elsewhere
):
    await asyncio.to_thread(publish_elsewhere)
    await reconciler.reconcile()
    assert (aliases.resolve("maya"), reconciler.degraded) == ("maya@1", {})
    store.stop()
    await reconciler.reconcile()
    assert list(reconciler.degraded) == [REGISTRY]
    assert aliases.resolve("maya") == "maya@1"
    store.start()
    await asyncio.to_thread(publish_elsewhere)
    await reconciler.reconcile()
    assert (aliases.resolve("maya"), reconciler.degraded) == ("maya@2", {})


async def test_a_start_without_the_store_serves_what_was_mirrored_before(
    registry, rollouts, reconciler, aliases, store, publish_elsewhere
):
    await asyncio.to_thread(publish_elsewhere)
    await asyncio.to_thread(registry.refresh)
    await asyncio.to_thread(registry.fetch, "maya", 1)
    store.stop()
    await reconciler.reconcile()
    assert list(reconciler.degraded) == [REGISTRY]
    assert aliases.resolve("maya") == "maya@1"
    store.start()
    await asyncio.to_thread(publish_elsewhere)
    await reconciler.reconcile()
    assert reconciler.degraded == {}
    assert aliases.resolve("maya") == "maya@1", "nobody knows when it was published: it waits"


async def test_a_first_start_without_the_store_is_ready_with_nobody(
    registry, reconciler, aliases, store
):
    store.stop()
    check_registry(registry)
    assert lora_sizes(registry)["max-loras"] > 1
    await reconciler.reconcile()
    assert list(reconciler.degraded) == [REGISTRY]
    assert aliases.personas() == []


async def test_a_version_whose_bytes_were_changed_at_the_store_is_refused(
    rollouts, reconciler, aliases, engine, store, bucket, publish_elsewhere
):
    reconciler._adopt = False
    for _ in range(2):
        await asyncio.to_thread(publish_elsewhere)
    store.put(bucket, weights(2), b"something else")
    await reconciler.reconcile()
    with pytest.raises(RolloutFailed, match="is not the file that its manifest names"):
        await rollouts.reload("maya", 2)
    assert aliases.resolve("maya") == "maya@1"
    assert list(engine.loaded) == ["maya@1"]


async def test_a_store_that_says_nothing_does_not_hold_up_the_server(
    store, monkeypatch, reconciler
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(remote, "LOOK_SECONDS", 2)
        look, turns = asyncio.create_task(reconciler.reconcile()), 0
        while not look.done():
            await asyncio.sleep(0.01)
            turns += 1
        await look
    assert "no answer in time" in reconciler.degraded[REGISTRY]
    assert turns > 20


def test_a_store_is_looked_at_less_often_than_a_folder(registry):
    assert watch_seconds(registry, None) == REMOTE_WATCH_S
    assert watch_seconds(registry, 3) == 3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_server_serves_from_the_store_and_without_it(url, bucket, store, tmp_path):
    stage = Stage(tmp_path / "stage")
    stage.registry = Registry.at(url, tmp_path / "publisher-cache")
    stage.server.environment = {**store.environment, "REGISTRY_URL": url}
    for _ in range(3):
        stage.publish("maya")
    store.put(bucket, weights(3), b"something else")
    stage.server.start()
    try:
        assert stage.server.wait_until_ready()["degraded"] == []
        assert answered_by(stage) == "maya@1"

        refused = stage.reload("maya", version=3)
        assert refused.status_code == 422, refused.text
        assert "is not the file that its manifest names" in refused.json()["reason"]
        assert answered_by(stage) == "maya@1"

        assert stage.reload("maya", version=2).status_code == 200
        assert answered_by(stage) == "maya@2"
        stage.registry.refresh()
        assert stage.registry.current("maya") == 2

        store.stop()
        assert degraded_within(stage, 30) == [REGISTRY]
        assert answered_by(stage) == "maya@2"

        stage.server.kill()
        stage.server.start()
        assert stage.server.wait_until_ready()["degraded"] == [REGISTRY]
        assert answered_by(stage) == "maya@2"
    finally:
        stage.server.kill()
    log = stage.server.log.read_text()
    assert f"the registry {url} can't be reached: no connection" in log
    assert SECRET not in log


def answered_by(stage: Stage) -> str:
    answer = stage.ask("maya")
    assert answer.status_code == 200, answer.text
    return answer.headers["x-understudy-version"]


def degraded_within(stage: Stage, seconds: float) -> list[str]:
    due = monotonic() + seconds
    while monotonic() < due:
        degraded = httpx.get(f"{stage.server.url}/ready", timeout=10).json()["degraded"]
        if degraded:
            return list(degraded)
        sleep(0.2)
    return []
