"""Adapters that PEFT itself wrote over the starter model, and ways to damage them on disk."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import load, save_file
from transformers import AutoModelForCausalLM

from adapters.manifest import ADAPTER_CONFIG, ADAPTER_WEIGHTS, MANIFEST, file_digest
from adapters.registry import Registry
from inference_server.settings import STARTER_MODEL
from tests.inference_server import made

RANK = 4
LAYER = "base_model.model.model.layers.0.self_attn.q_proj"
"""The first of the layers that every adapter here changes; made.TARGETS are all of them."""

Weights = dict[str, torch.Tensor]


def write(folder: Path, dtype: torch.dtype = torch.float32, **lora: Any) -> Path:
    """What PEFT saves for this LoRA configuration, as if something had been learned."""
    settings = {"r": RANK, "lora_alpha": 2 * RANK, "target_modules": list(made.TARGETS), **lora}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT's own; tied embeddings and the like
        base = AutoModelForCausalLM.from_pretrained(STARTER_MODEL, dtype=dtype)
        config = LoraConfig(task_type="CAUSAL_LM", **settings)
        model = get_peft_model(base, config, autocast_adapter_dtype=False)
        torch.manual_seed(1)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
        model.save_pretrained(str(folder))
    return folder


def publish(registry: Registry, source: Path, persona: str = "maya") -> Path:
    """The folder of a version with these files and a manifest that tells of them truly."""
    config = json.loads((source / ADAPTER_CONFIG).read_text())
    with safe_open(source / ADAPTER_WEIGHTS, "np") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    number = made.seal(
        registry,
        persona,
        STARTER_MODEL,
        source,
        rank=config["r"],
        shapes=shapes,
        target_modules=tuple(config["target_modules"]),
    )
    return registry.path(persona, number)


def reseal(folder: Path, **changes: Any) -> None:
    """Make the manifest fit the files again, as a publisher who means it would."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    present = [file for file in folder.iterdir() if file.name != MANIFEST]
    manifest["files"] = {file.name: file_digest(file) for file in present}
    path.write_text(json.dumps({**manifest, "shapes": {}, **changes}))


def read(folder: Path) -> Weights:
    """The adapter's weights, not mapped: their file is about to be written over."""
    return load((folder / ADAPTER_WEIGHTS).read_bytes())


def rewrite(folder: Path, change: Callable[[Weights], object]) -> None:
    """Save other weights in place of the adapter's."""
    weights = read(folder)
    change(weights)
    save_file(weights, folder / ADAPTER_WEIGHTS)
    reseal(folder)


def reconfigure(folder: Path, **changes: Any) -> None:
    path = folder / ADAPTER_CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    reseal(folder)


def header(path: Path) -> tuple[dict[str, Any], bytes]:
    """A safetensors file's header, and the tensors' bytes behind it."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def with_header(folder: Path, text: str, *, length: int | None = None, data: bytes = b"") -> None:
    """Put another header before the adapter's bytes; `length` is what it says of its own."""
    path = folder / ADAPTER_WEIGHTS
    raw = text.encode("utf-8", "surrogatepass")
    data = data or header(path)[1]
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    reseal(folder)
