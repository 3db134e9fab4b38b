"""Bases and adapters as they really look on disk, with random weights, in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from adapters.manifest import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    Base,
    Card,
    Dataset,
    Manifest,
    base_digest,
    chat_template_digest,
    file_digest,
)
from adapters.registry import Registry
from inference_server.base_model import layers

TARGETS = ("q_proj", "v_proj", "down_proj")
LAYER_SHAPES = {
    "self_attn.q_proj": (16, 8),
    "self_attn.k_proj": (16, 8),
    "self_attn.v_proj": (16, 8),
    "mlp.down_proj": (8, 24),
}


def tiny_base(folder: Path, seed: int = 0) -> Path:
    """A base model's folder with two layers; no tokenizer, as nothing here speaks."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    weights = {
        f"model.layers.{layer}.{module}.weight": rng.normal(size=shape).astype(np.float16)
        for layer in range(2)
        for module, shape in LAYER_SHAPES.items()
    }
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "qwen3"}')
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def lora_config(rank: int, **changes: Any) -> dict[str, Any]:
    """What PEFT writes beside a plain LoRA."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "target_modules": list(TARGETS),
        "bias": "none",
        "use_dora": False,
        "use_rslora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        **changes,
    }


def lora_weights(base: Path, rank: int, seed: int, scale: float = 0.02) -> dict[str, np.ndarray]:
    """Random halves for every targeted layer of the base, under PEFT's names."""
    rng = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}
    for module, shape in layers(base).items():
        if module.endswith(TARGETS) and shape:
            name = f"base_model.model.{module}"
            outputs, inputs = shape
            weights[f"{name}.lora_A.weight"] = _random(rng, (rank, inputs), scale)
            weights[f"{name}.lora_B.weight"] = _random(rng, (outputs, rank), scale)
    return weights


def _random(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    return (rng.normal(size=shape) * scale).astype(np.float32)


def make_card(registry: Registry, persona: str, **fields: Any) -> Card:
    card = Card(
        **{
            "name": persona,
            "display_name": persona.title(),
            "system_prompt": f"You are {persona.title()}.",
            "starters": ("What do you want to do this weekend?",),
            **fields,
        }
    )
    registry.save_card(card)
    return card


def publish(
    registry: Registry,
    persona: str,
    base: Path,
    source: Path,
    *,
    seed: int = 1,
    rank: int = 4,
    scale: float = 0.02,
    config: Mapping[str, Any] | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    **manifest: Any,
) -> int:
    """Publish a random adapter (or the given parts of one) and return its version."""
    source.mkdir(parents=True, exist_ok=True)
    (source / ADAPTER_CONFIG).write_text(json.dumps(lora_config(rank, **(config or {}))))
    made = dict(weights) if weights is not None else lora_weights(base, rank, seed, scale)
    save_file(made, source / ADAPTER_WEIGHTS)
    shapes = {name: array.shape for name, array in made.items()}
    return seal(registry, persona, base, source, rank=rank, shapes=shapes, seed=seed, **manifest)


def seal(
    registry: Registry,
    persona: str,
    base: Path,
    source: Path,
    *,
    rank: int,
    shapes: Mapping[str, tuple[int, ...]],
    seed: int = 1,
    **manifest: Any,
) -> int:
    """Publish an adapter's files, as they lie in `source`, and return their version."""
    if persona not in registry.names():
        make_card(registry, persona)
    files = {name: file_digest(source / name) for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)}
    fields: dict[str, Any] = {
        "persona": persona,
        "version": 1,
        "created_at": datetime.now(UTC),
        "base": Base(
            name=base.name,
            digest=base_digest(base),
            chat_template_digest=chat_template_digest(base),
        ),
        "rank": rank,
        "target_modules": TARGETS,
        "shapes": shapes,
        "files": files,
        "dataset": Dataset(digest="0" * 64, examples=1, held_out=0),
        "seed": seed,
        "system_prompt": f"You are {persona.title()}, version of seed {seed}.",
        **manifest,
    }
    return registry.publish(source, Manifest(**fields))
