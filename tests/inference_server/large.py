"""A base wide enough for adapters of 100 MB, which the starter model is too narrow for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from adapters.manifest import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from adapters.registry import Registry
from inference_server.base_model import layers
from tests.inference_server import made

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
HIDDEN, INTERMEDIATE, HEADS = 896, 2304, 14
RANKS = {torch.float32: 256, torch.float16: 512, torch.bfloat16: 512}
"""So that an adapter of each type has 103 MB."""


def wide_base(starter: Path, folder: Path) -> Path:
    """The starter model's folder with wider layers of random weights; it speaks nonsense."""
    shutil.copytree(starter, folder)
    config = json.loads((folder / "config.json").read_text())
    wider = {config["hidden_size"]: HIDDEN, config["intermediate_size"]: INTERMEDIATE}
    config |= {"hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE}
    config |= {"num_attention_heads": HEADS, "num_key_value_heads": HEADS}
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    weights = {
        name: _random([wider.get(size, size) for size in tensor.shape], tensor.dtype)
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def large(
    registry: Registry,
    persona: str,
    base: Path,
    source: Path,
    *,
    dtype: torch.dtype = torch.float32,
    seed: int = 1,
) -> int:
    """Publish a random adapter of 103 MB for a `wide_base` and return its version.

    A server needs a max_rank of 256 for one in float32, else of 512.
    """
    rank = RANKS[dtype]
    source.mkdir(parents=True)
    config = made.lora_config(rank, target_modules=list(TARGETS))
    (source / ADAPTER_CONFIG).write_text(json.dumps(config))
    torch.manual_seed(seed)
    weights = {}
    for module, shape in layers(base).items():
        if shape and module.endswith(TARGETS):
            name, (outputs, inputs) = f"base_model.model.{module}", shape
            weights[f"{name}.lora_A.weight"] = _random([rank, inputs], dtype)
            weights[f"{name}.lora_B.weight"] = _random([outputs, rank], dtype) / 10
    save_file(weights, source / ADAPTER_WEIGHTS)
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    return made.seal(
        registry,
        persona,
        base,
        source,
        rank=rank,
        shapes=shapes,
        seed=seed,
        target_modules=TARGETS,
    )


def _random(shape: list[int], dtype: torch.dtype) -> torch.Tensor:
    """Norms scale by about one, all else is small."""
    around = 1.0 if len(shape) == 1 else 0.0
    return (torch.randn(shape) * 0.02 + around).to(dtype)
