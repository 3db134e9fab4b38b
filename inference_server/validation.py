"""Judges the files of a published version before the engine sees a byte of them.

Knows what PEFT writes, what the manifest promised and which shapes the base has; runs nothing.
Each rejection is one sentence that says what to do about it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from adapters.manifest import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    MANIFEST,
    Manifest,
    file_digest,
)

from .base_model import ServedBase
from .errors import Rejected
from .weights import FLOATS, Tensor, check_layout, norm, read_header

MAX_ADAPTER_BYTES = 2 * 1024**3
MAX_CONFIG_BYTES = 1024**2
MAX_STRENGTH = 10.0
"""Root mean square of a change per weight, at most; a base's weights are around 0.03."""
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}
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
}


def validate(
    folder: Path, name: str, version: int, manifest: Manifest, base: ServedBase, max_rank: int
) -> None:
    """Raises Rejected unless `folder` holds exactly the version that its manifest describes."""
    check_belongs(manifest, name, version, base)
    check_files(folder, manifest)
    rank, scaling = check_config(folder / ADAPTER_CONFIG, manifest, max_rank)
    path = folder / ADAPTER_WEIGHTS
    tensors = read_header(path)
    check_layout(path, tensors)
    modules = check_shapes(tensors, base, manifest, rank)
    check_strength(path, modules, scaling)


def check_belongs(manifest: Manifest, name: str, version: int, base: ServedBase) -> None:
    if (manifest.persona, manifest.version) != (name, version):
        raise Rejected(
            f"its manifest is that of {manifest.persona}@{manifest.version}, "
            f"not of {name}@{version}"
        )
    if manifest.base.digest != base.digest:
        raise Rejected(
            f"it was trained on another base model ({manifest.base.name[:120]}); serve that one as "
            "BASE_MODEL, or train the persona again"
        )
    if manifest.base.chat_template_digest != base.chat_template_digest:
        raise Rejected(
            "it was trained with another chat template than the base model has now; train it again"
        )


def check_files(folder: Path, manifest: Manifest) -> None:
    if folder.is_symlink():
        raise Rejected("its folder is a symbolic link; versions are real folders")
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    for file in sorted(present | set(manifest.files)):
        _check_name(folder, file)
    for file in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if file not in manifest.files:
            raise Rejected(f"the manifest names no {file}")
    for file in sorted(present - set(manifest.files) - {MANIFEST}):
        raise Rejected(f"{file[:120]} is not in the manifest; a version is never changed")
    for file, digest in manifest.files.items():
        if file not in present:
            raise Rejected(f"{file} is missing; publish the persona again")
        if file_digest(folder / file) != digest:
            raise Rejected(f"{file} is not the published one (its digest differs)")


def _check_name(folder: Path, file: str) -> None:
    if file in ("", ".", "..") or len(file) > 255 or any(c in file for c in "/\\\0"):
        raise Rejected(f"the manifest names a file that is not one: {file[:120]!r}")
    if Path(file).suffix in PICKLES:
        raise Rejected(f"{file} could run code when it is read; only safetensors are taken")
    path = folder / file
    if path.is_symlink():
        raise Rejected(f"{file} is a symbolic link; a version holds real files")
    if path.exists() and not path.is_file():
        raise Rejected(f"{file} is not a plain file")
    if path.exists() and path.stat().st_size > MAX_ADAPTER_BYTES:
        raise Rejected(f"{file} is larger than {MAX_ADAPTER_BYTES >> 30} GiB")


def check_config(path: Path, manifest: Manifest, max_rank: int) -> tuple[int, float]:
    """The adapter's rank and scaling, where its configuration is one that the engine honours."""
    config = _config(path)
    if config.get("peft_type") != "LORA":
        raise Rejected(f"{path.name} is not a LoRA configuration")
    for field, what in UNSUPPORTED.items():
        if config.get(field):
            raise Rejected(f"it {what}, which can't be served; train it as a plain LoRA")
    if config.get("bias", "none") != "none":
        raise Rejected("it trains biases, which can't be served; train it with bias='none'")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or rank != manifest.rank:
        raise Rejected(f"{path.name} says rank {rank!r:.20}, the manifest says {manifest.rank}")
    if rank > max_rank:
        raise Rejected(
            f"its rank {rank} is above the {max_rank} this server was started for; "
            "restart the server, or train with a smaller rank"
        )
    if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha <= 0:
        raise Rejected(f"{path.name} has no usable lora_alpha")
    _check_targets(config.get("target_modules"), manifest)
    return rank, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise Rejected(f"{path.name} is larger than {MAX_CONFIG_BYTES >> 20} MiB")
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Rejected(f"{path.name} is not JSON") from None
    if not isinstance(config, dict):
        raise Rejected(f"{path.name} is not a configuration")
    return config


def _check_targets(targets: object, manifest: Manifest) -> None:
    if not isinstance(targets, list) or not all(isinstance(t, str) for t in targets):
        raise Rejected("adapter_config.json does not list its target modules")
    if set(targets) != set(manifest.target_modules):
        raise Rejected("adapter_config.json and the manifest name different target modules")


def check_shapes(
    tensors: dict[str, Tensor], base: ServedBase, manifest: Manifest, rank: int
) -> dict[str, dict[str, Tensor]]:
    """Both halves of every module that the adapter changes, each as wide as the base's layer."""
    modules: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        module, side = _module(name)
        if tensor.dtype not in FLOATS:
            raise Rejected(f"{name[:120]} is {tensor.dtype[:20]}; weights are F32, F16 or BF16")
        if manifest.shapes.get(name, tensor.shape) != tensor.shape:
            raise Rejected(f"{name[:120]} has not the shape that the manifest gives")
        modules.setdefault(module, {})[side] = tensor
    if not modules:
        raise Rejected("it holds no LoRA weights")
    for module, sides in modules.items():
        _check_module(module, sides, base, manifest, rank)
    return modules


def check_strength(path: Path, modules: dict[str, dict[str, Tensor]], scaling: float) -> None:
    """Raises Rejected for weights that are not finite, or so strong that the model's would not be.

    vLLM's CPU attention reads a block of its cache beyond a request's end: NaN that one adapter
    leaves there becomes everybody's answer. So the engine must not meet such an adapter at all.
    """
    for module, sides in modules.items():
        a, b = (norm(path, f"{module}.{side}", sides[side]) for side in ("lora_A", "lora_B"))
        weights = math.prod((sides["lora_A"].shape[1], sides["lora_B"].shape[0]))
        strength = scaling * a * b / math.sqrt(weights)
        if strength > MAX_STRENGTH:
            raise Rejected(
                f"{module[:120]} would change the base's weights by {strength:.3g} on average, "
                f"more than {MAX_STRENGTH:g}: its training has diverged"
            )


def _module(name: str) -> tuple[str, str]:
    for side in ("lora_A", "lora_B"):
        module = name.removeprefix("base_model.model.").removesuffix(f".{side}.weight")
        if name == f"base_model.model.{module}.{side}.weight":
            return module, side
    raise Rejected(f"{name[:120]} is not the weight of a plain LoRA")


def _check_module(
    module: str, sides: dict[str, Tensor], base: ServedBase, manifest: Manifest, rank: int
) -> None:
    if set(sides) != {"lora_A", "lora_B"}:
        raise Rejected(f"{module[:120]} has only one half of its LoRA weights")
    if module not in base.layers:
        raise Rejected(f"the base model has no layer {module[:120]}")
    if not any(module == t or module.endswith(f".{t}") for t in manifest.target_modules):
        raise Rejected(f"{module[:120]} is not among the manifest's target modules")
    a, b = sides["lora_A"].shape, sides["lora_B"].shape
    layer = base.layers[module]
    outputs, inputs = layer or (b[0] if b else 0, a[-1] if a else 0)
    if a != (rank, inputs) or b != (outputs, rank):
        raise Rejected(
            f"{module[:120]}: shapes {_by(a)} and {_by(b)} do not fit the base's layer "
            f"({_by((rank, inputs))} and {_by((outputs, rank))})"
        )


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape[:4])) or "()"
