"""Judges the configuration that PEFT writes beside an adapter: is it one that the engine honours?

Knows PEFT's fields; knows nothing of weights or bases.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.manifest import Manifest

from .errors import Rejected
from .weights import AGAIN, shown

MAX_CONFIG_BYTES = 1024**2
UNSUPPORTED = {
    "use_dora": "was trained with DoRA",
    "lora_bias": "has a LoRA bias",
    "modules_to_save": "carries whole modules (modules_to_save)",
    "layer_replication": "replicates layers",
    "alora_invocation_tokens": "is an activated LoRA",
    "use_bdlora": "is block-diagonal",
    "use_qalora": "is a QA-LoRA",
    "trainable_token_indices": "changes token embeddings",
    "rank_pattern": "has several ranks",
    "alpha_pattern": "has several alphas",
    "target_parameters": "changes bare parameters",
    "fan_in_fan_out": "has its weights transposed",
    "velora_config": "is a VeLoRA",
    "monteclora_config": "is a MonteCLoRA",
    "arrow_config": "is a router over other adapters",
    "kasa_config": "is a KaSA",
}
OF_THE_BASE = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")
"""Beginnings of a training that leave the base model's own weights as they are."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How wide an adapter is, and by how much its change of the base is multiplied."""

    rank: int
    scaling: float


def check_config(path: Path, manifest: Manifest, max_rank: int) -> Scale:
    """The adapter's scale. Raises Rejected unless the engine honours all of its configuration."""
    config = _config(path)
    if config.get("peft_type") != "LORA":
        raise Rejected(f"{path.name} is not that of a LoRA; train the persona as a plain LoRA")
    for field, what in UNSUPPORTED.items():
        if config.get(field):
            raise Rejected(f"it {what}, which can't be served; train it as a plain LoRA")
    if config.get("bias", "none") != "none":
        raise Rejected("it trains biases, which can't be served; train it with bias='none'")
    _check_beginning(config.get("init_lora_weights", True))
    _check_targets(config.get("target_modules"), manifest)
    rank = _rank(config.get("r"), manifest, max_rank)
    alpha = _alpha(config.get("lora_alpha"))
    return Scale(rank, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise Rejected(f"{path.name} is larger than {MAX_CONFIG_BYTES >> 20} MiB; {AGAIN}")
    try:
        config = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError):
        raise Rejected(f"{path.name} is not JSON; {AGAIN}") from None
    if not isinstance(config, dict):
        raise Rejected(f"{path.name} is not a configuration; {AGAIN}")
    return config


def _check_beginning(beginning: object) -> None:
    """PiSSA, OLoRA, CorDA and LoftQ change the base itself, which stays as it is here."""
    if beginning and beginning is not True and beginning not in OF_THE_BASE:
        raise Rejected(
            "its training began by changing the base's own weights (init_lora_weights), which "
            "can't be served; train it as a plain LoRA"
        )


def _check_targets(targets: object, manifest: Manifest) -> None:
    if not isinstance(targets, list) or not all(isinstance(t, str) for t in targets):
        raise Rejected(f"adapter_config.json does not list its target modules; {AGAIN}")
    if set(targets) != set(manifest.target_modules):
        raise Rejected(
            f"adapter_config.json and the manifest name different target modules; {AGAIN}"
        )


def _rank(rank: object, manifest: Manifest, max_rank: int) -> int:
    if type(rank) is not int or rank != manifest.rank:
        said = shown(str(rank)) if isinstance(rank, int) else "something else"
        raise Rejected(
            f"adapter_config.json says rank {said}, the manifest {shown(str(manifest.rank))}; "
            f"{AGAIN}"
        )
    if rank > max_rank:
        raise Rejected(
            f"its rank {shown(str(rank))} is above the {max_rank} this server was started for; "
            "restart the server, or train with a smaller rank"
        )
    return rank


def _alpha(alpha: object) -> float:
    try:
        number = float(alpha) if isinstance(alpha, int | float) else math.nan
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        raise Rejected(f"adapter_config.json has no usable lora_alpha; {AGAIN}")
    return number
