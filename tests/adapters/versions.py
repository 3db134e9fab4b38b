"""Versions to publish whose files are a few bytes: a registry does not look into them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.manifest import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    Base,
    Card,
    Dataset,
    Manifest,
    file_digest,
)
from adapters.registry import Registry


def prepare(
    source: Path, persona: str = "maya", content: bytes = b"weights", **fields: Any
) -> Manifest:
    """A run's files in `source`, and the manifest for them."""
    source.mkdir(parents=True, exist_ok=True)
    (source / ADAPTER_CONFIG).write_text("{}")
    (source / ADAPTER_WEIGHTS).write_bytes(content)
    names = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)
    described: dict[str, Any] = {
        "persona": persona,
        "version": 1,
        "created_at": datetime.now(UTC),
        "base": Base(name="tiny", digest="d", chat_template_digest="c"),
        "rank": 8,
        "target_modules": ("q_proj",),
        "shapes": {"q_proj": (8, 32)},
        "files": {name: file_digest(source / name) for name in names},
        "dataset": Dataset(digest="0" * 64, examples=1, held_out=0),
        "seed": 1,
        "system_prompt": "You are Maya.",
        **fields,
    }
    return Manifest(**described)


def publish(registry: Registry, source: Path, persona: str = "maya", **fields: Any) -> int:
    manifest = prepare(source, persona, **fields)
    if persona not in registry.names():
        registry.save_card(Card(name=persona, display_name=persona.title()))
    return registry.publish(source, manifest)
