"""What the inference server's tests share: a tiny base, a registry, rollouts over them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from adapters.registry import Registry
from inference_server.aliases import Aliases
from inference_server.base_model import ServedBase, inspect
from inference_server.metrics import Metrics
from inference_server.rollout import Rollouts
from tests.inference_server import made
from tests.inference_server.running import built_stage, stage  # noqa: F401  # as fixtures
from tests.inference_server.small_engine import SmallEngine
from tests.object_store import bucket, store, store_server  # noqa: F401  # as fixtures


@pytest.fixture
def base_folder(tmp_path: Path) -> Path:
    return made.tiny_base(tmp_path / "base")


@pytest.fixture
def served_base(base_folder: Path) -> ServedBase:
    return inspect(base_folder)


@pytest.fixture
def registry_class() -> type[Registry]:
    return Registry


@pytest.fixture
def registry(tmp_path: Path, registry_class: type[Registry]) -> Registry:
    registry = registry_class(tmp_path / "registry")
    registry.root.mkdir()
    return registry


@pytest.fixture
def publish(registry: Registry, base_folder: Path, tmp_path: Path) -> Callable[..., int]:
    """Publishes one more random version of a persona and returns its number."""
    numbers = count(1)

    def publish(persona: str = "maya", base: Path = base_folder, **fields: object) -> int:
        number = next(numbers)
        source = tmp_path / f"made-{number}"
        return made.publish(registry, persona, base, source, **{"seed": number, **fields})

    return publish


@pytest.fixture
async def engine() -> SmallEngine:
    return SmallEngine()


@pytest.fixture
def aliases() -> Aliases:
    return Aliases()


@pytest.fixture
def metrics() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def counting(metrics: CollectorRegistry) -> Metrics:
    return Metrics(metrics)


@pytest.fixture
def rollouts(
    registry: Registry,
    engine: SmallEngine,
    aliases: Aliases,
    served_base: ServedBase,
    counting: Metrics,
) -> Rollouts:
    async def base() -> ServedBase:
        return served_base

    return Rollouts(registry, engine, aliases, base, counting)
