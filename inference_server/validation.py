"""Judges the files of a published version before the engine sees a byte of them.

Knows what PEFT writes, what the manifest promised and which shapes the base has; runs nothing.
Each rejection is one sentence that says what to do about it.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from itertools import islice
from pathlib import Path

from adapters.manifest import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    MANIFEST,
    Manifest,
    file_digest,
)

from .adapter_config import Scale, check_config
from .base_model import ServedBase
from .errors import Rejected
from .weights import AGAIN, FLOATS, Tensor, check_layout, largest, norm, read_header, shown

MAX_ADAPTER_BYTES = 2 * 1024**3
MAX_FILES = 32
MAX_STRENGTH = 10.0
"""Root mean square of a change per weight, at most; a base's weights are around 0.03."""
MAX_WEIGHT = 1000.0
"""Weights and scaling as the engine multiplies with them; float16 ends at 65,504."""
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}

Halves = dict[str, Tensor]


def validate(
    folder: Path, name: str, version: int, manifest: Manifest, base: ServedBase, max_rank: int
) -> None:
    """Raises Rejected unless `folder` holds exactly the version that its manifest describes."""
    check_belongs(manifest, name, version, base)
    try:
        check_files(folder, manifest)
        with digests_compared(folder, manifest):
            scale = check_config(folder / ADAPTER_CONFIG, manifest, max_rank)
            path = folder / ADAPTER_WEIGHTS
            tensors = read_header(path)
            check_layout(path, tensors)
            modules = check_shapes(tensors, base, manifest, scale.rank)
            check_strength(path, modules, scale)
    except OSError as error:
        raise Rejected(
            f"its files can't be read ({error.strerror}); check their owner and permissions, or "
            "publish the persona again"
        ) from error


def check_belongs(manifest: Manifest, name: str, version: int, base: ServedBase) -> None:
    if (manifest.persona, manifest.version) != (name, version):
        raise Rejected(
            f"its manifest is that of {manifest.persona}@{shown(str(manifest.version))}, "
            f"not of {name}@{version}; {AGAIN}"
        )
    if manifest.base.digest != base.digest:
        raise Rejected(
            f"it was trained on another base model ({shown(manifest.base.name)}); serve that one "
            "as BASE_MODEL, or train the persona again"
        )
    if manifest.base.chat_template_digest != base.chat_template_digest:
        raise Rejected(
            "it was trained with another chat template than the base model has now; train it again"
        )


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises Rejected unless the promised files are there, plain and alone; opens none of them."""
    for place in (folder, *list(folder.parents)[:2]):  # the version, all versions, the persona
        if place.is_symlink():
            raise Rejected(
                f"{shown(place.name)} is a symbolic link; put the real folder in its place"
            )
    present = set(islice((p.name for p in folder.iterdir() if p.name[0] != "."), MAX_FILES + 1))
    if max(len(present), len(manifest.files)) > MAX_FILES:
        raise Rejected(f"it has more than {MAX_FILES} files; {AGAIN}")
    for file in sorted(present | set(manifest.files)):
        _check_file(folder, file)
    for file in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if file not in manifest.files:
            raise Rejected(f"the manifest names no {file}; {AGAIN}")
    for file in sorted(present - set(manifest.files) - {MANIFEST}):
        raise Rejected(f"{file} is not in the manifest and versions never change; remove it")
    for file in sorted(set(manifest.files) - present):
        raise Rejected(f"{file} is missing; {AGAIN}")


def _check_file(folder: Path, file: str) -> None:
    if Path(file).suffix.lower() in PICKLES:
        raise Rejected(
            f"{shown(file)} could run code when it is read; save the adapter as safetensors"
        )
    if not FILE_NAME.fullmatch(file):
        raise Rejected(f"'{shown(file)}' can't be the name of a version's file; {AGAIN}")
    try:
        found = (folder / file).lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise Rejected(f"{file} is a symbolic link; put the real file in its place")
    if not stat.S_ISREG(found.st_mode):
        raise Rejected(f"{file} is not a plain file; {AGAIN}")
    if found.st_size > MAX_ADAPTER_BYTES:
        raise Rejected(
            f"{file} is larger than {MAX_ADAPTER_BYTES >> 30} GiB; train with a smaller rank"
        )


@contextmanager
def digests_compared(folder: Path, manifest: Manifest) -> Iterator[None]:
    """Compares every file's digest while the block judges what the files say.

    Digests take most of the time, so they get a thread of their own; what they have to say comes
    first, as files that are not the published ones may say anything.
    """
    with ThreadPoolExecutor(1, "digests") as thread:
        compared = thread.submit(check_digests, folder, manifest)
        try:
            yield
        finally:
            compared.result()


def check_digests(folder: Path, manifest: Manifest) -> None:
    for file, digest in manifest.files.items():
        if file_digest(folder / file) != digest:
            raise Rejected(f"{file} is not the published one (its digest differs); {AGAIN}")


def check_shapes(
    tensors: dict[str, Tensor], base: ServedBase, manifest: Manifest, rank: int
) -> dict[str, Halves]:
    """Both halves of every module that the adapter changes, each as wide as the base's layer."""
    modules: dict[str, Halves] = {}
    for name, tensor in tensors.items():
        module, side = _module(name)
        if tensor.dtype not in FLOATS:
            raise Rejected(f"{shown(name)} is {tensor.dtype}; save it as F32, F16 or BF16")
        if manifest.shapes.get(name, tensor.shape) != tensor.shape:
            raise Rejected(f"{shown(name)} has not the shape that the manifest gives; {AGAIN}")
        modules.setdefault(module, {})[side] = tensor
    if not modules:
        raise Rejected("it holds no LoRA weights; train it again")
    for module, halves in modules.items():
        _check_module(module, halves, base, manifest, rank)
    return modules


def _module(name: str) -> tuple[str, str]:
    for side in ("lora_A", "lora_B"):
        module = name.removeprefix("base_model.model.").removesuffix(f".{side}.weight")
        if name == f"base_model.model.{module}.{side}.weight":
            return module, side
    raise Rejected(f"{shown(name)} is not the weight of a plain LoRA; train it as one")


def _check_module(
    module: str, halves: Halves, base: ServedBase, manifest: Manifest, rank: int
) -> None:
    if set(halves) != {"lora_A", "lora_B"}:
        raise Rejected(f"{shown(module)} has only one half of its LoRA weights; train it again")
    if module not in base.layers:
        raise Rejected(
            f"the base model has no layer {shown(module)}; serve the one that the persona was "
            "trained on as BASE_MODEL"
        )
    if not any(module == t or module.endswith(f".{t}") for t in manifest.target_modules):
        raise Rejected(f"{module} is not among the manifest's target modules; {AGAIN}")
    a, b = halves["lora_A"].shape, halves["lora_B"].shape
    outputs, inputs = base.layers[module] or (b[0] if b else 0, a[-1] if a else 0)
    if a != (rank, inputs) or b != (outputs, rank):
        raise Rejected(
            f"{module}: shapes {_by(a)} and {_by(b)} do not fit the base's layer "
            f"({_by((rank, inputs))} and {_by((outputs, rank))}); train it on this base"
        )


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "()"


def check_strength(path: Path, modules: dict[str, Halves], scale: Scale) -> None:
    """Raises Rejected for weights that are not finite, or so strong that the model's would not be.

    vLLM's CPU attention reads a block of its cache beyond a request's end: NaN that one adapter
    leaves there becomes everybody's answer. So the engine must not meet such an adapter at all.
    """
    with FileIO(path) as file:
        for module, halves in modules.items():
            _check_module_strength(file, module, halves, scale)


def _check_module_strength(file: FileIO, module: str, halves: Halves, scale: Scale) -> None:
    a, b = (largest(file, f"{module}.{side}", halves[side]) for side in ("lora_A", "lora_B"))
    weight = max(a, scale.scaling, scale.scaling * b)
    if weight > MAX_WEIGHT:
        raise Rejected(
            f"{module} has weights (or a scaling) of {weight:.3g}, above {MAX_WEIGHT:g}: its "
            "training has diverged; train it again, more gently"
        )
    # No weight of the base changes by more than this product; few adapters need a closer look.
    if scale.scaling * scale.rank * a * b <= MAX_STRENGTH:
        return
    weights = halves["lora_A"].shape[1] * halves["lora_B"].shape[0]
    norms = norm(file, halves["lora_A"]) * norm(file, halves["lora_B"])
    if (strength := scale.scaling * norms / math.sqrt(weights)) > MAX_STRENGTH:
        raise Rejected(
            f"{module} would change the base's weights by {strength:.3g} on average, above "
            f"{MAX_STRENGTH:g}: its training has diverged; train it again, more gently"
        )
