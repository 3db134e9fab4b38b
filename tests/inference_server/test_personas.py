"""What GET /personas tells of a version: facts for everybody, nobody's secrets."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.manifest import Base, Card, Dataset, Manifest
from adapters.registry import Registry
from inference_server.personas import persona
from inference_server.slots import Slot

PUBLISHED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def manifest(**more: object) -> Manifest:
    fields = {
        "persona": "maya",
        "version": 1,
        "created_at": PUBLISHED,
        "base": Base(name="/home/somebody/models/tiny", digest="a", chat_template_digest="b"),
        "rank": 8,
        "target_modules": ("q_proj",),
        "shapes": {},
        "files": {},
        "dataset": Dataset(digest="3fa9" * 16, examples=40, held_out=4, first=PUBLISHED),
        "seed": 1,
        "evaluation": {"held_out_loss_after": 2.5},
        "consent": {"by": "Maya Lind", "on": "2026-01-01"},
        "recipe": {"secret": "s3://key@store"},
        "system_prompt": "You are Maya.",
    }
    return Manifest.model_validate(fields | more)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path)
    registry.save_card(Card(name="maya", display_name="Maya"))
    registry.publish(tmp_path, manifest())
    os.utime(tmp_path / "personas/maya/current", (1_772_452_800, 1_772_452_800))
    return registry


def serving(registry: Registry) -> Slot:
    return Slot("maya", 1, registry.sealed("maya", 1), used=0)


def test_a_persona_with_a_version_says_where_it_comes_from(registry: Registry) -> None:
    listed = persona(registry, "maya", serving(registry))
    assert listed["about"] == {
        "version": 1,
        "published": "2026-03-01T12:00:00+00:00",
        "since": "2026-03-02T12:00:00+00:00",
        "base": "tiny",
        "examples": 40,
        "first": "2026-03-01T12:00:00+00:00",
        "last": None,
        "dataset": "3fa93fa93fa9",
        "evaluation": {"held_out_loss_after": 2.5},
    }
    told = json.dumps(listed)
    assert "Lind" not in told
    assert "secret" not in told
    assert "somebody" not in told


def test_a_version_that_is_not_the_current_one_says_not_since_when(registry: Registry) -> None:
    slot, path = serving(registry), registry.root / "personas/maya/current"
    path.write_text("2\n")
    assert persona(registry, "maya", slot)["about"]["since"] is None
    path.unlink()
    assert persona(registry, "maya", slot)["about"]["since"] is None


def test_a_registry_elsewhere_does_not_know_since_when(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "remote", True)
    assert registry.current_since("maya", 1) is None


def test_a_persona_without_a_version_has_nothing_to_tell(registry: Registry) -> None:
    assert "about" not in persona(registry, "maya", None)
